#include "job/job.h"

const char *job_status_name(enum job_status s)
{
    switch (s) {
    case JOB_STATUS_OTHER:
        return NULL;
    case JOB_STATUS_INIT:
        return "Init";
    case JOB_STATUS_QUEUING:
        return "Queuing";
    case JOB_STATUS_PROCESSING:
        return "Processing";
    case JOB_STATUS_SUCCESS:
        return "Success";
    case JOB_STATUS_FAILED:
        return "Failed";
    }
    return NULL;
}

bool job_status_final(enum job_status s)
{
    return s == JOB_STATUS_SUCCESS || s == JOB_STATUS_FAILED;
}
