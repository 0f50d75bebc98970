package org.hexmile

import java.security.SecureRandom

/**
 * What a driver writes down, so that the account outlives every phone; the account's key follows from it.
 *
 * @property groups the code to be written down, in ten groups of four.
 * @property text the code in one piece, 40 characters.
 */
public class RecoveryCode private constructor(
    public val groups: List<String>,
    public val text: String,
) {
    /** The account's key. */
    public fun accountSigner(): SoftwareSigner =
        calling { org.hexmile.ffi.RecoveryCode.read(text).use { SoftwareSigner(it.accountSigner()) } }

    /** Without the code, which is a secret. */
    override fun toString(): String = "RecoveryCode(..)"

    public companion object {
        private const val RANDOM_LEN = 16

        /** A new code. */
        public fun generate(): RecoveryCode {
            val random = ByteArray(RANDOM_LEN).also(SecureRandom()::nextBytes)
            return of { org.hexmile.ffi.RecoveryCode.ofRandom(random) }
        }

        /**
         * The code that a driver typed, in small letters or capitals, with spaces and hyphens or without.
         *
         * @throws HexmileException.Argument where it is none.
         */
        public fun read(text: String): RecoveryCode = of { org.hexmile.ffi.RecoveryCode.read(text) }

        private inline fun of(native: () -> org.hexmile.ffi.RecoveryCode): RecoveryCode {
            NativeLibrary.ensureLoaded()
            return calling { native().use { RecoveryCode(it.groups(), it.text()) } }
        }
    }
}
