package org.hexmile.android

import android.os.Build
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import java.io.File
import java.io.FileNotFoundException
import java.io.FileOutputStream
import java.nio.file.Files
import java.nio.file.StandardCopyOption
import java.security.UnrecoverableKeyException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/** Small values of the app that outlast it, by name: lower-case letters, digits and hyphens, at most 64. */
public interface Values {
    /**
     * The value of a name; `null` where there is none.
     *
     * @throws KeystoreException
     */
    public fun get(name: String): ByteArray?

    /**
     * Keeps a value, in place of any before. It can be read again after a crash when this returns.
     *
     * @throws KeystoreException
     */
    public fun put(name: String, value: ByteArray)

    /**
     * Destroys the value of a name for good. Where there is none, nothing happens.
     *
     * @throws KeystoreException
     */
    public fun remove(name: String)
}

/**
 * Values in files, each encrypted (AES-256-GCM) under a key of its own in the Android Keystore: on this
 * phone alone, whoever copies its storage. Destroying that key is what destroys a value, since the bytes
 * of a deleted file may stay on flash.
 *
 * @param dir a folder of its own, out of backups.
 * @param prefix of its keys' names in the Keystore.
 * @param unlocked whether the phone was unlocked since it was started; before, [dir] cannot be read.
 */
public class SealedFiles internal constructor(
    private val dir: File,
    private val prefix: String,
    private val unlocked: () -> Boolean,
    private val sdk: Int,
) : Values {
    public constructor(dir: File, prefix: String, unlocked: () -> Boolean) :
        this(dir, prefix, unlocked, Build.VERSION.SDK_INT)

    @Synchronized
    override fun get(name: String): ByteArray? = opened(name) { file ->
        val sealed = try {
            file.readBytes()
        } catch (_: FileNotFoundException) {
            return null
        }
        if (sealed.size < IV_LEN) throw KeystoreException.Lost("the file of $name is damaged")
        val key = key(name) ?: throw KeystoreException.Lost("the key of $name is gone")
        Cipher.getInstance(CIPHER).run {
            init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(TAG_BITS, sealed, 0, IV_LEN))
            doFinal(sealed, IV_LEN, sealed.size - IV_LEN)
        }
    }

    @Synchronized
    override fun put(name: String, value: ByteArray): Unit = opened(name) { file ->
        val sealed = Cipher.getInstance(CIPHER).run {
            // The Keystore chooses the IV itself.
            init(Cipher.ENCRYPT_MODE, keyForNew(name) ?: newKey(name))
            check(iv.size == IV_LEN) { "an IV of ${iv.size} bytes" }
            iv + doFinal(value)
        }
        write(file, sealed)
    }

    @Synchronized
    override fun remove(name: String): Unit = opened(name) { file ->
        try {
            KeystoreSigner.keys().deleteEntry(prefix + name)
        } finally {
            // Also where the key could not be destroyed: a consent that was withdrawn must not be read again.
            Files.deleteIfExists(file.toPath())
        }
    }

    private inline fun <T> opened(name: String, call: (File) -> T): T {
        require(NAME.matches(name)) { "$name is no name" }
        if (!unlocked()) throw KeystoreException.Locked("the phone was not unlocked since it was started")
        return keystore(sdk) { call(File(dir, name)) }
    }

    private fun key(name: String): SecretKey? = KeystoreSigner.keys().getKey(prefix + name, null) as SecretKey?

    /** What lay under a key that is lost is replaced in any case. */
    private fun keyForNew(name: String): SecretKey? = try {
        key(name)
    } catch (_: UnrecoverableKeyException) {
        null
    }

    private fun newKey(name: String): SecretKey {
        val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
        val spec = KeyGenParameterSpec.Builder(prefix + name, purposes)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
            .setKeySize(KEY_BITS)
            .build()
        return KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, KEYSTORE).run {
            init(spec)
            generateKey()
        }
    }

    /** Whole or not at all, whenever the phone dies. */
    private fun write(file: File, bytes: ByteArray) {
        Files.createDirectories(dir.toPath())
        val fresh = File(dir, "${file.name}.new")
        FileOutputStream(fresh).use {
            it.write(bytes)
            it.fd.sync()
        }
        Files.move(fresh.toPath(), file.toPath(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING)
    }

    private companion object {
        val NAME = Regex("[a-z0-9-]{1,64}")
        const val CIPHER = "AES/GCM/NoPadding"
        const val IV_LEN = 12
        const val TAG_BITS = 128
        const val KEY_BITS = 256
    }
}
