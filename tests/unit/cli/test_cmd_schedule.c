/* kerf schedule as a user meets it, and the flags that it shares with plan and disrupt. */
#include "../../support/kerf_program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char manifests[] =
    "apiVersion: v1\nkind: Node\nmetadata:\n  name: big\n  labels: {kubernetes.io/hostname: big}\n"
    "status: {allocatable: {cpu: \"4\", memory: 16Gi, pods: \"110\"}}\n"
    "---\napiVersion: v1\nkind: Node\nmetadata:\n  name: tainted\n  labels: {kubernetes.io/hostname: tainted}\n"
    "spec: {taints: [{key: team, value: a, effect: NoSchedule}]}\nstatus: {allocatable: {cpu: \"8\", memory: 32Gi, pods: \"110\"}}\n"
    "---\napiVersion: v1\nkind: Node\nmetadata:\n  name: small\n  labels: {kubernetes.io/hostname: small}\n"
    "status: {allocatable: {cpu: \"2\", memory: 8Gi, pods: \"110\"}}\n"
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: victim, namespace: default}\n"
    "spec: {nodeName: big, priority: 0, containers: [{name: c, image: i, resources: {requests: {cpu: \"3\"}}}]}\nstatus: {phase: Running}\n"
    "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
    "spec:\n  replicas: 1\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n"
    "    spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 500m, memory: 1Gi}}}]}\n"
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: urgent, namespace: default}\n"
    "spec: {priority: 1000, containers: [{name: c, image: i, resources: {requests: {cpu: 3500m}}}]}\n"
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: huge, namespace: default}\n"
    "spec: {containers: [{name: c, image: i, resources: {requests: {cpu: \"64\"}}}]}\n"
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: gated, namespace: default}\n"
    "spec: {schedulingGates: [{name: g}], containers: [{name: c, image: i}]}\n";

static char path[] = "/tmp/kerf-schedule-XXXXXX";

static void write_manifests(void)
{
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, manifests, sizeof manifests - 1), (ssize_t)(sizeof manifests - 1));
    close(file);
}
static void remove_manifests(void) { unlink(path); }
TestSuite(cmd_schedule, .init = write_manifests, .fini = remove_manifests);

static const struct {
    const char *arguments; /* after `kerf schedule -f FILE`, or a whole command where it starts with another word */
    int exit_code;
    const char *pieces[5];
} rows[] = {
    {"", 1,
     {"shop/web-", ": small, score", ", the best of 2", "default/urgent: big, preempting default/victim",
      "default/huge: no node; 2 nodes: Insufficient cpu (NodeResourcesFit); 1 node: node(s) had untolerated taint(s) (TaintToleration)"}},
    {"", 1, {"default/gated: not tried, it has scheduling gates", "2 of 4 pods find a node."}},
    {"--format json", 1,
     {"\"schema\": \"kerf.schedule/v1\"", "\"node\": \"small\"", "\"victims\": [\"default/victim\"]", "\"NodeResourcesFit\": ",
      "\"code\": \"UnschedulableAndUnresolvable\""}},
    {"--at noon", 3, {"--at: \"noon\" is no time (expected RFC 3339"}},
    {"--region mars", 3, {"the catalogue has no prices of \"mars\""}},
    {"--format csv", 2, {"\"csv\" is not one of text, json"}},
    {"-f /nonexistent", 3, {"/nonexistent: cannot be opened"}},
};

static void expect(const char *command, int exit_code, const char *const pieces[5])
{
    struct program_result result = kerf_program_run(command);
    cr_expect_eq(result.exit_code, exit_code, "kerf %s: exit %d\n%s", command, result.exit_code, result.error);
    const char *text = exit_code <= 1 ? result.out : result.error;
    for (size_t k = 0; k < 5 && pieces[k]; k++)
        cr_expect(strstr(text, pieces[k]) != NULL, "kerf %s: no \"%s\" in\n%.3000s", command, pieces[k], text);
    program_result_free(&result);
}

Test(cmd_schedule, answers_and_refusals)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char command[512];
        snprintf(command, sizeof command, "schedule -f %s %s", path, rows[i].arguments);
        expect(command, rows[i].exit_code, rows[i].pieces);
    }
    static const char *const usage[5] = {"no input (expected -f FILE)"};
    expect("schedule", 2, usage);
    static const char *const help[5] = {"kube-scheduler", "Exit 1"};
    expect("schedule --help", 0, help);
}

/* One run tells everything that is wrong, in the words of the flag. */
Test(cmd_schedule, flags_of_a_snapshot)
{
    char command[512];
    snprintf(command, sizeof command,
             "plan -f %s --feature-gate Foo=true --feature-gate StaticCapacity=yes --feature-gate SpotToSpotConsolidaton=true "
             "--unavailable spot:m5.foo:x --preference-policy Maybe --min-values-policy Some --at x",
             path);
    static const char *const first[5] = {"--feature-gate: \"Foo\" is no feature gate of Karpenter", "\"yes\" is neither true nor false",
                                         "did you mean SpotToSpotConsolidation?", "--unavailable: \"spot:m5.foo:x\"",
                                         "--preference-policy: \"Maybe\" is unknown (expected Respect or Ignore)"};
    static const char *const second[5] = {"--min-values-policy: \"Some\" is unknown (expected Strict or BestEffort)", "--at: \"x\" is no time"};
    expect(command, 3, first);
    expect(command, 3, second);
    snprintf(command, sizeof command, "disrupt -f %s --nominated nobody=2026-01-01T00:00:00Z", path);
    static const char *const third[5] = {"--nominated: there is no node \"nobody\" in the input"};
    expect(command, 3, third);
    snprintf(command, sizeof command, "disrupt -f %s --nominated big=later", path);
    static const char *const fourth[5] = {"--nominated: \"later\" is no time"};
    expect(command, 3, fourth);
}
