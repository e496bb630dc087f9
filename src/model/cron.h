/** Part of the door of `model`: cron schedules (budgets, CronJobs, schedules of load). Include model/model.h. */
#ifndef KERF_MODEL_CRON_H
#define KERF_MODEL_CRON_H

#include "base/base.h"

struct kerf_cron {
    uint64_t minutes;
    uint32_t hours;
    uint32_t days;
    uint16_t months;
    uint8_t weekdays;
    bool any_day;     /* day of month is `*` or `?` */
    bool any_weekday;
};
/** Five fields, or @yearly @annually @monthly @weekly @daily @midnight @hourly; names of months and days; ranges, steps, lists. */
bool kerf_cron_parse(const char *text, struct kerf_cron *out_cron);
/** The first hit strictly after a moment, UTC; KERF_TIME_NEVER if none within five years. */
kerf_time_us kerf_cron_next(const struct kerf_cron *cron, kerf_time_us after_epoch_us);

#endif
