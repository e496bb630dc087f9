/**
 * units: the scalars that carry a unit in their name, so that a second cannot be added to a dollar unseen.
 */
#ifndef KERF_UNITS_H
#define KERF_UNITS_H

#include <stdint.h>

typedef int64_t kerf_time_us;    /* simulated microseconds since the start of a run; or since 1970-01-01T00:00:00Z where a name says epoch */
typedef int64_t kerf_usd_micros; /* millionths of a dollar */

#define KERF_SECOND_US ((kerf_time_us)1000000)
#define KERF_MINUTE_US (60 * KERF_SECOND_US)
#define KERF_HOUR_US (60 * KERF_MINUTE_US)
#define KERF_DAY_US (24 * KERF_HOUR_US)
#define KERF_TIME_NEVER INT64_MAX /* later than anything; no arithmetic on it */
#define KERF_TIME_UNSET INT64_MIN /* not known, not given */

#define KERF_HOURS_PER_MONTH 730 /* the month of every bill that kerf states */

#endif
