import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.kotlin.jvm)
    alias(libs.plugins.android.library) apply false
    `java-library`
    `maven-publish`
}

kotlin {
    compilerOptions { jvmTarget.set(JvmTarget.JVM_11) }
    sourceSets.main { kotlin.srcDir("src/generated/kotlin") }
    sourceSets.test { kotlin.srcDir("src/example/kotlin") }
}

java {
    sourceCompatibility = JavaVersion.VERSION_11
    targetCompatibility = JavaVersion.VERSION_11
    withSourcesJar()
}

dependencies {
    api(libs.coroutines.core)
    implementation(libs.jna)
    testImplementation(libs.coroutines.test)
    testImplementation(libs.junit)
}

tasks.test {
    useJUnitPlatform()
    // The folder of the built libhexmile, and a running server for the journey, if there is one.
    systemProperty("jna.library.path", providers.gradleProperty("hexmile.library.path").getOrElse("$rootDir/../../target/debug"))
    providers.gradleProperty("hexmile.server").orNull?.let { systemProperty("hexmile.server", it) }
}

publishing {
    publications.create<MavenPublication>("jar") {
        artifactId = "hexmile"
        from(components["java"])
    }
}
