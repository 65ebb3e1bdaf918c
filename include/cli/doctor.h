/* `icejobfs doctor SOURCE`: is everything there that a mount needs, and if not, what to do. */
#ifndef ICE_CLI_DOCTOR_H
#define ICE_CLI_DOCTOR_H

struct options;

/* Print one line for each thing looked at: "ok|warn|FAIL  WHAT[ - FIX]". The exit status: 0 when
 * nothing fails, else 1. */
int doctor_run(const struct options *o);

#endif
