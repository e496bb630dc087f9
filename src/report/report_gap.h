/** report_gap: the part of a plan's answer that tells how far it is from the cheapest. */
#ifndef KERF_REPORT_GAP_H
#define KERF_REPORT_GAP_H

#include <stdio.h>

#include "advise/plan_advice.h"
#include "document/document.h"

/** The value of the key `bound`. */
void kerf_report_gap_json(const struct kerf_plan_advice *advice, struct kerf_json *json);
void kerf_report_gap_text(const struct kerf_plan_advice *advice, FILE *stream);

#endif
