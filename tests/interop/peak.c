/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peak PROGRAM [ARG...]: runs it and writes "<peak resident KiB> <wall microseconds> <exit code>" to
 * the file named by PEAK_TO. A process that is forked from a large one counts that one's memory as
 * its own peak, so the forking is done by this small one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *to = getenv("PEAK_TO");
    struct timespec start;
    struct timespec end;
    struct rusage usage;
    int status;
    pid_t child;
    FILE *out;

    if (argc < 2 || !to)
        return 2;
    clock_gettime(CLOCK_MONOTONIC, &start);
    child = fork();
    if (child == 0) {
        execv(argv[1], argv + 1);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child)
        return 2;
    clock_gettime(CLOCK_MONOTONIC, &end);
    out = fopen(to, "w");
    if (!out)
        return 2;
    fprintf(out, "%ld %lld %d\n", usage.ru_maxrss,
            (long long)(end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000,
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return fclose(out) == 0 ? 0 : 2;
}
