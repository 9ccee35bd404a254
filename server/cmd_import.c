/* SPDX-License-Identifier: Apache-2.0 */
/* hf-serve import: options in, one commit out. */
#include "cmd.h"
#include "cmd_common.h"
#include "import.h"

#include <stddef.h>
#include <stdio.h>

typedef struct import_args {
    const char *type;
    const char *revision;
    const char *message;
    const char *gated;
    const char *threshold;
    bool is_private;
    bool mirror;
} import_args;

static const srv_opt opts[] = {
    { "type", SRV_OPT_TEXT, offsetof(import_args, type), "TYPE",
      "model (default), dataset, space or kernel", NULL },
    { "revision", SRV_OPT_TEXT, offsetof(import_args, revision), "REV",
      "branch (default: main) or refs/pr/N; made when absent", NULL },
    { "private", SRV_OPT_FLAG, offsetof(import_args, is_private), NULL, "make the repo private",
      NULL },
    { "gated", SRV_OPT_CHOICE, offsetof(import_args, gated), "MODE",
      "make the repo gated: auto (default) or manual", "auto" },
    { "lfs-threshold", SRV_OPT_TEXT, offsetof(import_args, threshold), "BYTES",
      "larger files are LFS whatever their name (default: 10485760)", NULL },
    { "message", SRV_OPT_TEXT, offsetof(import_args, message), "TEXT", "title of the commit",
      NULL },
    { "mirror", SRV_OPT_FLAG, offsetof(import_args, mirror), NULL,
      "delete files of the repo that DIR does not have", NULL },
    { NULL, SRV_OPT_END, 0, NULL, NULL, NULL },
};

static int report(const srv_import_result *result, const srv_import_spec *spec)
{
    const srv_repo *repo = result->repo;

    if (!result->made)
        fprintf(stderr, "nothing changed in %s '%s'\n", srv_repo_type_name(repo->type),
                repo->full_name);
    else
        fprintf(stderr, "imported %zu file%s (%zu LFS, %llu bytes) into %s '%s' at %s\n",
                result->n_files, result->n_files == 1 ? "" : "s", result->n_lfs,
                (unsigned long long)result->bytes, srv_repo_type_name(repo->type), repo->full_name,
                spec->revision ? spec->revision : "main");
    printf("%s\n", result->commit);
    return SRV_EXIT_OK;
}

static int run(const char *data_dir, const void *args_, int n_words, char *const *words)
{
    const import_args *args = args_;
    srv_import_spec spec = { 0 };
    srv_import_result result;
    srv_session s;
    int code;

    (void)n_words;
    spec.id = words[0];
    spec.dir = words[1];
    spec.revision = args->revision;
    spec.title = args->message;
    spec.mirror = args->mirror;
    spec.set_private = args->is_private;
    spec.set_gated = args->gated != NULL;
    spec.threshold = SRV_IMPORT_THRESHOLD;
    if (!srv_cmd_type(args->type, &spec.type))
        return SRV_EXIT_USAGE;
    if (args->gated && (!srv_cmd_gated(args->gated, &spec.gated) || spec.gated == SRV_GATED_NO))
        return srv_complain(SRV_EXIT_USAGE, "--gated is auto or manual, not '%s'", args->gated);
    if (args->threshold && !hf__str_to_u64(hf__str_from(args->threshold), &spec.threshold))
        return srv_complain(SRV_EXIT_USAGE, "--lfs-threshold wants a number of bytes, not '%s'",
                            args->threshold);
    code = srv_session_open(&s, data_dir);
    if (code != SRV_EXIT_OK)
        return code;
    if (srv_import_run(s.store, &spec, s.arena, &result, &s.err) == HF_OK)
        code = report(&result, &spec);
    else
        code = srv_session_failed(&s);
    srv_session_close(&s);
    return code;
}

const srv_cmd srv_cmd_import = {
    "import",
    "REPO_ID DIR",
    "commit the files of a folder to a repo, which is made when absent",
    "Files are LFS by the repo's .gitattributes (a new repo gets the Hub's own) and when they are\n"
    "larger than the threshold. Prints the commit id. A folder that changed nothing makes no\n"
    "commit. What clients keep in .cache/huggingface is left out.\n\n"
    "example: hf-serve import acme/tiny ./model --lfs-threshold 1000000",
    opts,
    sizeof(import_args),
    2,
    2,
    run,
};
