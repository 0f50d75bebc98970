import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.android.application)
}

android {
    namespace = "org.hexmile.demo"
    compileSdk = 36

    defaultConfig {
        applicationId = "org.hexmile.demo"
        minSdk = 26
        targetSdk = 36
        versionCode = 1
        versionName = "0.1.0"
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }

    // Native libraries are loaded from the APK as they are, which phones with pages of 16 KB want aligned.
    packaging { jniLibs { useLegacyPackaging = false } }

    testOptions { unitTests.all { it.useJUnitPlatform() } }
}

kotlin {
    compilerOptions {
        jvmTarget.set(JvmTarget.JVM_11)
        allWarningsAsErrors.set(true)
    }
}

dependencies {
    implementation("org.hexmile:hexmile-android:0.1.0")
    implementation(libs.coroutines.android)
    testImplementation(libs.junit)
}
