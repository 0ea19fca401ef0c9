#include "packets/jobs.h"

void ss_jobs_push(ss_jobs *jobs, ss_job *job)
{
    job->next = NULL;
    *jobs->last = job;
    jobs->last = &job->next;
    jobs->count++;
    jobs->bytes += job->bytes;
}

ss_job *ss_jobs_pop(ss_jobs *jobs)
{
    ss_job *job = jobs->first;
    if (!job)
        return NULL;
    jobs->first = job->next;
    if (!jobs->first)
        jobs->last = &jobs->first;
    jobs->count--;
    jobs->bytes -= job->bytes;
    return job;
}

void ss_jobs_clear(ss_jobs *jobs)
{
    for (ss_job *job; (job = ss_jobs_pop(jobs));)
        free(job);
}
