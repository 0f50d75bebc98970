import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.android.library)
    `maven-publish`
}

android {
    namespace = "org.hexmile.android"
    compileSdk = 36

    defaultConfig {
        // java.time, and notification channels: nothing has to be desugared.
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }

    // libhexmile.so of each ABI, which build-native.sh puts there.
    sourceSets["main"].jniLibs.srcDir("src/main/jniLibs")

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }

    lint {
        warningsAsErrors = true
        // Versions are Maven's, too, and are raised on purpose.
        disable += listOf("GradleDependency", "NewerVersionAvailable", "AndroidGradlePluginVersion")
    }

    publishing { singleVariant("release") { withSourcesJar() } }
}

kotlin {
    explicitApi()
    compilerOptions {
        jvmTarget.set(JvmTarget.JVM_11)
        allWarningsAsErrors.set(true)
    }
}

dependencies {
    // On Android JNA comes as an AAR with its own native part; the jar is for desktops.
    api(project(":")) { exclude(group = "net.java.dev.jna", module = "jna") }
    api(libs.coroutines.android)
    implementation(libs.jna) { artifact { type = "aar" } }
}

// The native library is of this source, or there is none: an AAR without it would fail on the phone.
val nativeLibraries = tasks.register("nativeLibraries") {
    val folder = layout.projectDirectory.dir("src/main/jniLibs")
    doLast {
        val missing = listOf("arm64-v8a", "armeabi-v7a", "x86_64").filter { abi ->
            !folder.file("$abi/libhexmile.so").asFile.isFile
        }
        check(missing.isEmpty()) { "no libhexmile.so for $missing: run bindings/kotlin/android/build-native.sh" }
    }
}
tasks.named("preBuild") { dependsOn(nativeLibraries) }

publishing {
    publications.register<MavenPublication>("aar") {
        artifactId = "hexmile-android"
        afterEvaluate { from(components["release"]) }
    }
}
