import android.app.Application
import java.net.URI
import org.hexmile.android.AndroidPlatform
import org.hexmile.android.Phone
import org.hexmile.android.PhoneHost
import org.hexmile.android.ServerIdentity

/** The app, named in its manifest: services, jobs and screens find its one phone by it. */
class App : Application(), PhoneHost {
    private val server = URI("https://hexmile.example")
    override var phone: Phone? = null

    /** The driver agreed. The app keeps what the server said of itself, and opens the phone by it at each start. */
    suspend fun join() {
        val identity = ServerIdentity.fetch(server)
        phone = Phone(AndroidPlatform(this), identity.settings(server)).also { it.agree() }
    }

    /** The location is allowed; `phone.state` is what a screen shows meanwhile. */
    suspend fun drive() = phone?.startTrip()

    /** The traces leave as soon as the driver's rules allow, whether the app lives or not. */
    suspend fun arrive() = phone?.stopTrip()
}
