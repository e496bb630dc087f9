/**
 * kerf/report: records, comparisons and decisions as text for people, JSON and CSV for programs. Prints what it is given, in the
 * order of it; computes nothing that could be an answer.
 */
#ifndef KERF_REPORT_H
#define KERF_REPORT_H

#include "kerf/advise.h"
#include "kerf/catalog.h"
#include "kerf/experiment.h"
#include "kerf/subnets.h"

enum kerf_format { KERF_AS_TEXT, KERF_AS_JSON, KERF_AS_CSV };

void kerf_report_plan(const struct kerf_plan_advice *advice, enum kerf_format format, FILE *stream);
void kerf_report_schedule(const struct kerf_schedule_advice *advice, enum kerf_format format, FILE *stream);
void kerf_report_disrupt(const struct kerf_disrupt_advice *advice, enum kerf_format format, FILE *stream);
void kerf_report_autoscale(const struct kerf_autoscale_advice *advice, enum kerf_format format, FILE *stream);

/** What a fleet needs of its subnets: figures, maps, the smallest plans; text or JSON. */
void kerf_report_subnets(const struct kerf_subnet_advice *advice, enum kerf_format format, FILE *stream);

/** Designs side by side, and differences to the first where there are several; text, JSON or CSV. */
void kerf_report_comparison(const struct kerf_comparison *comparison, enum kerf_format format, FILE *stream);
/** The first design alone, as `kerf run` shows it; text or JSON. */
void kerf_report_run(const struct kerf_comparison *comparison, enum kerf_format format, FILE *stream);

/** The types of a kerf_catalog_ask, a line each. */
void kerf_report_catalog_list(const struct kerf_catalog_answer *answer, enum kerf_format format, FILE *stream);
/** All about the type of a kerf_catalog_ask_type; text or JSON. */
void kerf_report_catalog_type(struct kerf_catalog_answer *answer, enum kerf_format format, FILE *stream);

#endif
