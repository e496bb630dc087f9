/**
 * manifest: Kubernetes, Karpenter and eksctl objects, as `kubectl get -o yaml|json` or people in git write them, become
 * values of `model`. It applies the defaults of the API server, keeps what deciders need, and says what is wrong. What an
 * object means for a decision is left to others; which pods stand for a workload is decided by kerf_manifest_settle.
 */
#ifndef KERF_MANIFEST_ROOM_H
#define KERF_MANIFEST_ROOM_H

#include "model/model.h"

/**
 * Reads files, directories (their *.yaml, *.yml, *.json in byte order) and `-` (standard input) and appends their objects.
 * Several documents in a file and `kind: List` are read in order. Kinds known to Kubernetes or Karpenter that kerf doesn't use
 * are passed over; others get a warning. Errors go to `errs` with their places; reading goes on, and KERF_E_INPUT is returned at
 * the end if there was any. `objects` then holds what could be read.
 */
KERF_MUST_CHECK enum kerf_status kerf_manifest_read(const char *const *paths, size_t path_count, struct kerf_vocabulary *vocabulary,
                                                    struct kerf_objects *objects, struct kerf_errors *errs);

/** The same for one text in memory; `file` names it in errors. */
KERF_MUST_CHECK enum kerf_status kerf_manifest_read_text(const char *file, const char *text, size_t length,
                                                         struct kerf_vocabulary *vocabulary, struct kerf_objects *objects,
                                                         struct kerf_errors *errs);

/**
 * After the last file, the rules of product.md over all objects together: priorities from PriorityClasses, requests from
 * LimitRanges, missing UIDs and creation times, claims of generic ephemeral volumes. With `expand`, workloads none of whose
 * pods were read become pods (all but DaemonSets and CronJobs). Fills newest_epoch_us.
 */
void kerf_manifest_settle(struct kerf_objects *objects, struct kerf_vocabulary *vocabulary, bool expand);

/**
 * After kerf_manifest_settle, warns of what the API allows and rarely anyone means: budgets that allow no disruption, single pods on
 * Spot, hard zone spread over a zone without subnet, pools that contradict themselves, names of classes that were not read.
 * Needs no catalogue. For `check`; deciders don't ask.
 */
void kerf_manifest_review(const struct kerf_objects *objects, struct kerf_vocabulary *vocabulary, struct kerf_errors *errs);

/**
 * Cluster Autoscaler's command line flags, a map of their names and values, as an Autoscale or a scenario has them. What is not named
 * stays as it is in `options`; lists lie in `arena`. NULL passes. Errors: unknown flags (nearest named), values that the flag can't take.
 */
struct kerf_value;
KERF_MUST_CHECK enum kerf_status kerf_manifest_read_autoscaler_flags(const struct kerf_value *map, struct kerf_arena *arena,
                                                                     struct kerf_vocabulary *vocabulary,
                                                                     struct kerf_autoscaler_options *options, struct kerf_errors *errs);

#endif
