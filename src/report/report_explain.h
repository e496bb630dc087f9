/** report_explain: the explanations of a plan, as a part of what report_plan prints. */
#ifndef KERF_REPORT_EXPLAIN_H
#define KERF_REPORT_EXPLAIN_H

#include "advise/plan_advice.h"
#include "document/document.h"

void kerf_report_explanations(const struct kerf_plan_advice *advice, FILE *stream);
/** The value of `explanations`. */
void kerf_report_explanations_json(const struct kerf_plan_advice *advice, struct kerf_json *json);

#endif
