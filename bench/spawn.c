/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn RUNS PROGRAM [ARG...]: runs a program RUNS times, its output thrown away, and prints the
 * median of its wall time in microseconds, of its peak memory in KiB and of the CPU time in
 * microseconds, of it and of what it started and waited for. More than one run are warmed up.
 *
 * A program of its own, since the kernel counts the peak of the parent that forks as the child's:
 * measured from Python, everything looks as large as Python.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP  2
#define MAX_RUNS 1000

static long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
    long x = *(const long *)a;
    long y = *(const long *)b;

    return (x > y) - (x < y);
}

static void child(char **argv)
{
    int null = open("/dev/null", O_RDWR);

    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    execvp(argv[0], argv);
    _exit(127);
}

int main(int argc, char **argv)
{
    static long us[MAX_RUNS];
    static long kb[MAX_RUNS];
    static long cpu[MAX_RUNS];
    long runs = argc > 2 ? strtol(argv[1], NULL, 10) : 0;

    if (runs < 1 || runs > MAX_RUNS) {
        fputs("usage: spawn RUNS PROGRAM [ARG...]\n", stderr);
        return 2;
    }
    for (long i = runs > 1 ? -WARM_UP : 0; i < runs; i++) {
        struct rusage usage;
        long start = now_us();
        pid_t pid = fork();
        int status = 0;

        if (pid == 0)
            child(argv + 2);
        if (pid < 0 || wait4(pid, &status, 0, &usage) < 0 || status != 0) {
            fprintf(stderr, "spawn: '%s' ended with status %d\n", argv[2], status);
            return 1;
        }
        if (i >= 0) {
            us[i] = now_us() - start;
            kb[i] = usage.ru_maxrss;
            cpu[i] = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                     usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
        }
    }
    qsort(us, (size_t)runs, sizeof(us[0]), compare);
    qsort(kb, (size_t)runs, sizeof(kb[0]), compare);
    qsort(cpu, (size_t)runs, sizeof(cpu[0]), compare);
    printf("%ld %ld %ld\n", us[runs / 2], kb[runs / 2], cpu[runs / 2]);
    return 0;
}
