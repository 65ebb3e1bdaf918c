/* Randomness as a function: the same seed, index and purpose always give the same number, so
 * nothing about a generated job has to be remembered. */
#ifndef ICE_SIM_DICE_H
#define ICE_SIM_DICE_H

#include <stdbool.h>
#include <stdint.h>

/* What a number is for. Traits of their own have purposes of their own, or they would be
 * correlated. */
enum sim_purpose {
    SIM_FOR_ID = 1, /* and the rounds after it */
    SIM_FOR_BIRTH = 16,
    SIM_FOR_INIT,
    SIM_FOR_QUEUE,
    SIM_FOR_QUEUE_LONG,
    SIM_FOR_WORK,
    SIM_FOR_WORK_LONG,
    SIM_FOR_STEPS,
    SIM_FOR_FAILURE,
    SIM_FOR_FAILURE_TIME,
    SIM_FOR_LATE,
    SIM_FOR_SETTLED,
    SIM_FOR_QUIRK,
    SIM_FOR_DURATION,
    SIM_FOR_PROJECT,
    SIM_FOR_TEMPLATE,
    SIM_FOR_VOD,
    SIM_FOR_LIVE_EDITING,
    SIM_FOR_MASTER,
    SIM_FOR_URL,
    SIM_FOR_FOLDER,
    SIM_FOR_CODE,
    SIM_FOR_CODE_SUCCESS,
    SIM_FOR_MATERIALS,
    SIM_FOR_USER_DATA,
    SIM_FOR_CLIPS,
    SIM_FOR_TIMELINE,
    SIM_FOR_ESCAPES,
    SIM_FOR_REQUEST_ID,
    SIM_FOR_FAULT_RATE,
    SIM_FOR_ABSENCE = 64,   /* and the fields after it */
    SIM_FOR_SUBTITLE = 4096 /* and the subtitles after it */
};

uint64_t sim_dice(uint64_t seed, uint64_t index, uint64_t purpose);

/* Between lo and hi, both included. */
uint64_t sim_dice_between(uint64_t seed, uint64_t index, uint64_t purpose, uint64_t lo,
                          uint64_t hi);

/* True for one in n. */
bool sim_dice_one_in(uint64_t seed, uint64_t index, uint64_t purpose, uint64_t n);

/* In [0, 1). */
double sim_dice_unit(uint64_t seed, uint64_t index, uint64_t purpose);

#endif
