package org.hexmile.demo

import android.annotation.SuppressLint
import android.content.Intent
import android.webkit.WebResourceError
import android.webkit.WebResourceRequest
import android.webkit.WebView
import android.webkit.WebViewClient
import kotlinx.coroutines.CoroutineScope

/** The server's own live map. */
class MapActivity : Screen(R.layout.map) {
    @SuppressLint("SetJavaScriptEnabled")
    override fun built() {
        val web = view<WebView>(R.id.map)
        // The page draws its map by scripts. It gets nothing of the phone: no location, no files, no interface.
        web.settings.javaScriptEnabled = true
        web.settings.allowFileAccess = false
        web.settings.allowContentAccess = false
        web.settings.setGeolocationEnabled(false)
        web.webViewClient = Pages()
        web.loadUrl(app.choice.address.toString() + "/")
    }

    override fun seen(scope: CoroutineScope) = view<WebView>(R.id.map).onResume()

    override fun onStop() {
        // A map that nobody sees fetches nothing.
        view<WebView>(R.id.map).onPause()
        super.onStop()
    }

    override fun onDestroy() {
        view<WebView>(R.id.map).destroy()
        super.onDestroy()
    }

    private inner class Pages : WebViewClient() {
        /** Only the server's pages are shown here; others are the browser's. */
        override fun shouldOverrideUrlLoading(view: WebView, request: WebResourceRequest): Boolean {
            val address = app.choice.address
            val url = request.url
            val own = url.host == address.host && url.port == address.port && url.scheme == address.scheme
            if (!own && url.scheme == "https") startActivity(Intent(Intent.ACTION_VIEW, url))
            return !own
        }

        override fun onReceivedError(view: WebView, request: WebResourceRequest, error: WebResourceError) {
            if (request.isForMainFrame) text(R.id.map_problem, getString(R.string.map_failed))
        }
    }
}
