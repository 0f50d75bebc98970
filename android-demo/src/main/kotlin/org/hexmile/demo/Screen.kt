package org.hexmile.demo

import android.app.Activity
import android.os.Build
import android.os.Bundle
import android.view.View
import android.view.WindowInsets
import android.widget.TextView
import java.io.IOException
import java.util.Locale
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import org.hexmile.HexmileException
import org.hexmile.SecretsLockedException
import org.hexmile.android.KeystoreException
import org.hexmile.android.Phone
import org.hexmile.android.PhoneClosedException

/** A screen of the app: its layout within the system's bars, and work for as long as it is seen. */
abstract class Screen(private val layout: Int) : Activity() {
    private var seen: CoroutineScope? = null

    protected val app get() = application as DemoApplication
    protected val phone: Phone? get() = app.phone
    protected val locale: Locale get() = resources.configuration.locales[0]

    /** The layout is there: its buttons get something to do. */
    protected abstract fun built()

    /** The driver sees it; what is launched in the scope ends when they do not any more. */
    protected abstract fun seen(scope: CoroutineScope)

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(layout)
        keepClear(view(android.R.id.content))
        built()
    }

    override fun onStart() {
        super.onStart()
        val scope = MainScope()
        seen = scope
        seen(scope)
    }

    override fun onStop() {
        seen?.cancel()
        seen = null
        super.onStop()
    }

    protected fun <V : View> view(id: Int): V = requireNotNull(findViewById(id)) { "the layout has no such view" }

    /** A view of a row. */
    protected fun <V : View> View.part(id: Int): V = requireNotNull(findViewById(id)) { "the row has no such view" }

    protected fun text(id: Int, text: CharSequence?) {
        val view = view<TextView>(id)
        view.visibility = if (text.isNullOrEmpty()) View.GONE else View.VISIBLE
        // Only what changed is read out.
        if (view.text?.toString() != text?.toString()) view.text = text
    }

    protected fun show(id: Int, shown: Boolean) {
        view<View>(id).visibility = if (shown) View.VISIBLE else View.GONE
    }

    /** Does what a button is for, at once, since the screen may go with the touch; what stands in its way is shown. */
    protected fun act(failed: (String) -> Unit, call: suspend () -> Unit) {
        seen?.launch(start = CoroutineStart.UNDISPATCHED) { report(failed, call) }
    }

    /** Does something, and shows what stands in its way. */
    protected suspend fun report(failed: (String) -> Unit, call: suspend () -> Unit) {
        try {
            call()
        } catch (e: CancellationException) {
            throw e
        } catch (e: HexmileException) {
            failed(e.message)
        } catch (e: KeystoreException) {
            failed(e.message)
        } catch (e: SecretsLockedException) {
            failed(e.message.orEmpty())
        } catch (e: PhoneClosedException) {
            failed(e.message.orEmpty())
        } catch (e: IOException) {
            failed(e.message ?: e.javaClass.simpleName)
        }
    }

    /** Apps draw behind the system's bars from API 35 on; nothing that matters may lie there. */
    @Suppress("DEPRECATION")
    private fun keepClear(content: View) = content.setOnApplyWindowInsetsListener { view, insets ->
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
            val types = WindowInsets.Type.systemBars() or WindowInsets.Type.displayCutout() or WindowInsets.Type.ime()
            val bars = insets.getInsets(types)
            view.setPadding(bars.left, bars.top, bars.right, bars.bottom)
        } else {
            view.setPadding(
                insets.systemWindowInsetLeft, insets.systemWindowInsetTop,
                insets.systemWindowInsetRight, insets.systemWindowInsetBottom,
            )
        }
        insets
    }
}
