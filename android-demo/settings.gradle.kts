pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode.set(RepositoriesMode.FAIL_ON_PROJECT_REPOS)
    repositories {
        google()
        mavenCentral()
    }
    versionCatalogs.create("libs") { from(files("../bindings/kotlin/gradle/libs.versions.toml")) }
}

rootProject.name = "hexmile-demo"

// The library as it is in this repository; an app of its own leaves this out, and takes it as published.
includeBuild("../bindings/kotlin") {
    dependencySubstitution {
        substitute(module("org.hexmile:hexmile-android")).using(project(":android"))
    }
}
