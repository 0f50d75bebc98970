package org.hexmile

import org.hexmile.ffi.Effect
import org.hexmile.ffi.Inquiry
import org.hexmile.ffi.SignedRequest
import org.hexmile.ffi.Upload

/** Something to send for the library, which wants to hear of the answer, or that there was none. */
internal sealed interface Errand {
    fun request(): Request

    fun answered(native: org.hexmile.ffi.Recorder, answer: Answer, recorder: Recorder): List<Effect>

    fun failed(native: org.hexmile.ffi.Recorder, why: String, recorder: Recorder): List<Effect>

    /** Lets go of the library's memory. */
    fun close() = Unit

    class Uploading(private val upload: Upload) : Errand {
        override fun request() = upload.request().fromNative()

        override fun answered(native: org.hexmile.ffi.Recorder, answer: Answer, recorder: Recorder) =
            native.uploaded(upload, answer.statusCode, answer.body, answer.retryAfter, recorder.moment())

        override fun failed(native: org.hexmile.ffi.Recorder, why: String, recorder: Recorder) =
            native.uploadFailed(why, recorder.moment())

        override fun close() = upload.close()
    }

    class Erasing(private val erasure: SignedRequest) : Errand {
        override fun request() = erasure.fromNative()

        override fun answered(native: org.hexmile.ffi.Recorder, answer: Answer, recorder: Recorder) =
            native.erasureAnswered(erasure, answer.statusCode, answer.body, answer.retryAfter, recorder.moment())

        override fun failed(native: org.hexmile.ffi.Recorder, why: String, recorder: Recorder) =
            native.erasureFailed(erasure, why, recorder.moment())
    }

    class Inquiring(private val inquiry: Inquiry) : Errand {
        override fun request() = Request.get(inquiry.path())

        override fun answered(native: org.hexmile.ffi.Recorder, answer: Answer, recorder: Recorder) =
            native.inquiryAnswered(inquiry, answer.statusCode, answer.body, answer.retryAfter, recorder.moment())

        override fun failed(native: org.hexmile.ffi.Recorder, why: String, recorder: Recorder): List<Effect> {
            native.inquiryFailed(inquiry, recorder.moment())
            return emptyList()
        }

        override fun close() = inquiry.close()
    }

    class FetchingPolicy(private val path: String) : Errand {
        override fun request() = Request.get(path)

        override fun answered(native: org.hexmile.ffi.Recorder, answer: Answer, recorder: Recorder) =
            native.policyAnswered(answer.statusCode, answer.body, answer.retryAfter, recorder.moment())

        override fun failed(native: org.hexmile.ffi.Recorder, why: String, recorder: Recorder): List<Effect> {
            native.policyFailed(recorder.moment())
            return emptyList()
        }
    }
}

/** Errands that nobody runs yet, one of each kind: the library repeats what it still wants. */
internal class Errands {
    private val waiting = LinkedHashMap<Class<out Errand>, Errand>()

    @Synchronized
    fun add(errand: Errand) {
        waiting.remove(errand.javaClass)?.close()
        waiting[errand.javaClass] = errand
    }

    /** The one that has waited longest, which is the caller's to close. */
    @Synchronized
    fun take(): Errand? {
        val kind = waiting.keys.firstOrNull() ?: return null
        return waiting.remove(kind)
    }

    /** Lets go of all but the driver's wish to be erased. */
    @Synchronized
    fun forget() {
        val erasing = waiting.remove(Errand.Erasing::class.java)
        clear()
        erasing?.let(::add)
    }

    @Synchronized
    fun clear() {
        waiting.values.forEach(Errand::close)
        waiting.clear()
    }
}
