// The library as a jar for the JVM (this folder), as an AAR for Android (android), and the adapters of
// Play services (play), for apps that want them.
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
}

rootProject.name = "hexmile"
include(":android", ":play")
