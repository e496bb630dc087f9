/**
 * main: the table of commands. One row a command; everything else is in its cmd_<name>.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static const struct kerf_command commands[] = {
    /* in the order of --help; one row a line */
    {"run", "simulates one design of a scenario: cost, waits, evictions, nodes, addresses", kerf_cmd_run},
    {"compare", "simulates designs on the same random worlds: side by side, with paired differences", kerf_cmd_compare},
    {"plan", "one Karpenter provisioning pass: new nodes, launches, pods left and why", kerf_cmd_plan},
    {"disrupt", "one Karpenter disruption decision over a cluster snapshot, and why not the other nodes", kerf_cmd_disrupt},
    {"schedule", "kube-scheduler's choice for each pending pod", kerf_cmd_schedule},
    {"autoscale", "what Cluster Autoscaler would do now: which group grows, or which nodes go", kerf_cmd_autoscale},
    {"catalog", "the EC2 instance catalogue: types, prices, allocatable", kerf_cmd_catalog},
    {"vpc", "the VPC CNI's arithmetic: max pods, a node's address pool, what subnets hold", kerf_cmd_vpc},
    {"pack", "packs items into priced bins: a packing, its cost, a lower bound, and the gap", kerf_cmd_pack},
    {"check", "reads manifests and scenarios and says what is wrong", kerf_cmd_check},
    {NULL, NULL, NULL},
};

static const char about[] = "Simulates node provisioning on Amazon EKS and packs pods into nodes, offline and reproducibly.\n\n"
                            "Exit: 0 done, 1 the answer is no, 2 usage, 3 input, 4 machine.";

/* A result that did not reach its file is no result: a full disk shows only when the buffer is written out. */
static int finish_stdout(int exit_code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exit_code;
    fprintf(stderr, "kerf: standard output could not be written: %s\n", strerror(errno));
    return KERF_EXIT_MACHINE;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("kerf %s\n", KERF_VERSION);
        return finish_stdout(KERF_EXIT_DONE);
    }
    struct kerf_errors *errs = kerf_errors_new();
    int exit_code = kerf_command_dispatch("kerf", about, commands, argc, argv, errs);
    enum kerf_status status = kerf_errors_status(errs);
    if (status != KERF_OK && exit_code < KERF_EXIT_INPUT)
        exit_code = kerf_exit_of(status);
    exit_code = finish_stdout(exit_code); /* before the errors, so that a terminal shows them last */
    kerf_errors_print(errs, stderr);
    kerf_errors_free(errs);
    return exit_code;
}
