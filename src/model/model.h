/**
 * model: the nouns of Kubernetes, Karpenter and EC2 as plain values, with their algebra: quantities, labels, selectors,
 * requirements, taints, pods, nodes, workloads. No effects, no time, no files: `manifest` fills these values, `cluster` makes
 * them change, deciders read them. Texts are interned names; lists are borrowed arrays, mostly of an arena of the input.
 */
#ifndef KERF_MODEL_H
#define KERF_MODEL_H

#include "model/resources.h"
#include "model/cron.h"
#include "model/vocabulary.h"
#include "model/requirements.h"
#include "model/pod.h"
#include "model/node.h"
#include "model/autoscaler.h"
#include "model/objects.h"

#endif
