/* SPDX-License-Identifier: Apache-2.0 */
/* cancel REPO_ID MILLISECONDS: fetch a repo, and stop it from another thread after a while. What arrived stays: the next
 * run goes on from there. Exits with 3 when it was stopped. */
#include <hfhub/hfhub.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct stopper {
    hf_cancel *cancel;
    struct timespec delay;
} stopper;

static void *stop_later(void *arg)
{
    const stopper *s = arg;

    nanosleep(&s->delay, NULL);
    hf_cancel_set(s->cancel); /* from any thread, also when nothing runs any more */
    return NULL;
}

int main(int argc, char **argv)
{
    hf_error err = HF_ERROR_INIT;
    hf_snapshot_opts opts = HF_SNAPSHOT_OPTS_INIT;
    hf_repo_ref repo = { HF_REPO_MODEL, NULL, NULL };
    hf_client *client = NULL;
    hf_snapshot *snapshot = NULL;
    stopper stop = { 0 };
    pthread_t thread;
    char *end = NULL;
    long ms;
    hf_status st;

    ms = argc == 3 ? strtol(argv[2], &end, 10) : -1;
    if (ms < 0 || *end) {
        fprintf(stderr, "usage: cancel REPO_ID MILLISECONDS\n");
        return 2;
    }
    repo.id = argv[1];
    stop.delay.tv_sec = ms / 1000;
    stop.delay.tv_nsec = ms % 1000 * 1000000;

    if (hf_cancel_new(&stop.cancel) != HF_OK)
        return 1;
    if (pthread_create(&thread, NULL, stop_later, &stop) != 0) {
        hf_cancel_free(stop.cancel);
        return 1;
    }
    opts.cancel = stop.cancel;

    st = hf_client_new(NULL, &client, &err);
    if (st == HF_OK)
        st = hf_snapshot_download(client, &repo, &opts, &snapshot, &err);
    if (st == HF_OK)
        printf("%s\n", snapshot->path);
    else
        fprintf(stderr, "cancel: %s (%s)\n", err.message, hf_status_name(st));

    hf_snapshot_free(snapshot);
    hf_client_free(client);
    pthread_cancel(thread); /* nothing is left to stop */
    pthread_join(thread, NULL);
    hf_cancel_free(stop.cancel); /* after every call that got it, and every thread that sets it */
    return st == HF_OK ? 0 : st == HF_ERR_CANCELED ? 3 : 1;
}
