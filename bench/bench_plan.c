/*
 * How long does `kerf plan` need for what `kubectl get pods -A -o json` prints of a big cluster, and how much memory? Sixty megabytes of pods with
 * their nodes (bench/kubectl_pods.py, which makes the same bytes every time), read from a file, planned, and told as JSON; then the same with
 * explanations. Prints minimum and median of the runs for reading and deciding, megabytes a second, the largest resident size, and a
 * hash of the answer. Aim: 3 s and 600 MB in all.
 * usage: bench_plan [--small]          from the top of the repository
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "kerf/advise.h"
#include "kerf/report.h"

#include "measure.h"

enum { RUNS = 5, PATH_BYTES = 64 };

struct run {
    double load;
    double decide;
    uint64_t hash;
};

static struct run run_once(const char *const *files, bool explain)
{
    struct kerf_advise_options options = {.files = files, .file_count = 2, .explain = explain};
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_snapshot *snapshot = NULL;
    struct run run;
    double start = seconds_now();
    enum kerf_status status = kerf_snapshot_load(&options, &snapshot, errs);
    if (status != KERF_OK) {
        kerf_errors_print(errs, stderr);
        exit(1);
    }
    run.load = seconds_now() - start;
    start = seconds_now();
    struct kerf_plan_advice *advice = kerf_advise_plan(snapshot);
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    kerf_report_plan(advice, KERF_AS_JSON, stream);
    fclose(stream);
    run.decide = seconds_now() - start;
    run.hash = kerf_hash_bytes(text, length);
    free(text);
    kerf_plan_advice_free(advice);
    kerf_snapshot_free(snapshot);
    kerf_errors_free(errs);
    return run;
}

static void measure(const char *const *files, double megabytes, bool explain)
{
    double load[RUNS], decide[RUNS];
    struct run run = {0};
    for (int i = 0; i < RUNS; i++) {
        run = run_once(files, explain);
        load[i] = run.load;
        decide[i] = run.decide;
    }
    sort_seconds(load, RUNS);
    sort_seconds(decide, RUNS);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%-9s %5.1f MB  read min %6.3f s  median %6.3f s  %6.1f MB/s  decide min %6.3f s  median %6.3f s  %4ld MB resident  hash %016" PRIx64 "\n",
           explain ? "explained" : "plan", megabytes, load[0], load[RUNS / 2], megabytes / load[0], decide[0], decide[RUNS / 2],
           usage.ru_maxrss / 1000, run.hash);
}

int main(int argument_count, char **arguments)
{
    bool is_small = argument_count > 1 && strcmp(arguments[1], "--small") == 0;
    char folder[] = "/tmp/kerf-bench-XXXXXX";
    char pods[PATH_BYTES], objects[PATH_BYTES], command[4 * PATH_BYTES];
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(pods, sizeof pods, "%s/pods.json", folder);
    snprintf(objects, sizeof objects, "%s/objects.yaml", folder);
    snprintf(command, sizeof command, "python3 bench/kubectl_pods.py %s %s %s", pods, objects, is_small ? "0.5" : "60");
    int made = system(command);
    const char *const files[] = {objects, pods};
    struct stat file;
    if (made == 0 && stat(pods, &file) == 0) {
        measure(files, (double)file.st_size * 1e-6, false);
        measure(files, (double)file.st_size * 1e-6, true);
    }
    remove(pods);
    remove(objects);
    rmdir(folder);
    return made == 0 ? 0 : 1;
}
