package org.hexmile.android

import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.app.job.JobService
import android.content.ComponentName
import android.content.Context
import android.os.Build
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch

/** Delivers what waits when the app did not live to do it. The system wakes it, after a restart too. */
public class DrainJob : JobService() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val running = ConcurrentHashMap<Int, Job>()

    override fun onStartJob(params: JobParameters): Boolean {
        val phone = phoneOf(this) ?: return false
        running[params.jobId] = scope.launch { run(phone, params) }
        return true
    }

    private suspend fun run(phone: Phone, params: JobParameters) {
        var done = false
        var next: DrainPlan? = null
        active.incrementAndGet()
        try {
            phone.unattended {
                next = phone.drain()
                done = true
            }
        } finally {
            active.decrementAndGet()
        }
        jobFinished(params, !done)
        // After it: a job that is set up anew while it runs is stopped first.
        if (done) schedule(applicationContext, next)
    }

    /** The system takes the network away, or time is up: what was under way is tried again. */
    override fun onStopJob(params: JobParameters): Boolean {
        running.remove(params.jobId)?.cancel()
        return true
    }

    override fun onDestroy(): Unit = scope.cancel()

    internal companion object {
        private const val JOB = 0x4845_5801

        /** Jobs that run now: they see to what comes after them. */
        private val active = AtomicInteger()

        fun schedule(app: Context, plan: DrainPlan?) {
            if (active.get() > 0) return
            val jobs = app.systemService<JobScheduler>()
            if (plan == null) return jobs.cancel(JOB)
            // Set up anew, it would begin to wait anew.
            if (jobs.getPendingJob(JOB)?.let { same(it, plan) } == true) return
            val service = ComponentName(app, DrainJob::class.java)
            if (jobs.schedule(jobInfo(service, plan)) == JobScheduler.RESULT_SUCCESS || !plan.urgent) return
            // The day's share of urgent jobs is used up.
            jobs.schedule(jobInfo(service, plan.copy(urgent = false)))
        }

        // What replaces it is not there before API 28.
        @Suppress("DEPRECATION")
        private fun same(pending: JobInfo, plan: DrainPlan) =
            pending.networkType == networkType(plan.network) && pending.minLatencyMillis <= plan.delayMs

        private fun jobInfo(service: ComponentName, plan: DrainPlan): JobInfo {
            val sdk = Build.VERSION.SDK_INT
            val builder = JobInfo.Builder(JOB, service)
                .setRequiredNetworkType(networkType(plan.network))
                .setPersisted(true)
                .setBackoffCriteria(BACKOFF_MS, JobInfo.BACKOFF_POLICY_EXPONENTIAL)
            if (sdk >= Build.VERSION_CODES.P) builder.setEstimatedNetworkBytes(ANSWER_BYTES, plan.bytes)
            if (plan.urgent && sdk >= Build.VERSION_CODES.S) {
                builder.setExpedited(true)
            } else {
                builder.setMinimumLatency(plan.delayMs)
            }
            return builder.build()
        }

        fun networkType(network: DrainNetwork) = when (network) {
            DrainNetwork.ANY -> JobInfo.NETWORK_TYPE_ANY
            DrainNetwork.NOT_ROAMING -> JobInfo.NETWORK_TYPE_NOT_ROAMING
            DrainNetwork.UNMETERED -> JobInfo.NETWORK_TYPE_UNMETERED
        }

        private const val BACKOFF_MS = 60_000L

        /** Receipts are small. */
        private const val ANSWER_BYTES = 16_384L
    }
}
