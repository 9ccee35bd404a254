/* SPDX-License-Identifier: Apache-2.0 */
/* "hf://[TYPE/]NAMESPACE/NAME[@REVISION][/PATH]:/MOUNT_PATH[:ro|:rw]": what a space sees as a folder
 * (hub-http.md 1.5). */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const char *const volume_types[] = { [HF_REPO_MODEL] = "model",
                                            [HF_REPO_DATASET] = "dataset",
                                            [HF_REPO_SPACE] = "space",
                                            [HF_REPO_KERNEL] = "kernel" };

static bool ends_in(char *text, const char *end)
{
    size_t len = strlen(text);
    size_t n = strlen(end);

    if (len < n || strcmp(text + len - n, end) != 0)
        return false;
    text[len - n] = '\0';
    return true;
}

/* The last ":/" but that of "hf://". */
static char *mount_of(char *text)
{
    char *mount = NULL;

    for (char *at = strstr(text + 5, ":/"); at; at = strstr(at + 1, ":/"))
        mount = at;
    return mount && mount[2] != '\0' ? mount : NULL;
}

/* Cuts text into URI and mount path. */
static int read_volume(cli_ctx *ctx, char *text, hf_space_volume *out, hf_uri **uri)
{
    hf_error err = HF_ERROR_INIT;
    hf_choice read_only = ends_in(text, ":ro") ? HF_YES : ends_in(text, ":rw") ? HF_NO : HF_UNSET;
    char *mount = strncmp(text, "hf://", 5) == 0 ? mount_of(text) : NULL;

    if (!mount)
        return cli_error(
            ctx, "'%s' is no volume: write it as hf://[TYPE/]NAMESPACE/NAME:/MOUNT_PATH", text);
    *mount = '\0';
    if (hf_uri_parse(text, uri, &err) != HF_OK)
        return cli_error(ctx, "%s", err.message);
    *out = (hf_space_volume){ (*uri)->is_bucket ? "bucket" : volume_types[(*uri)->type],
                              (*uri)->id,
                              mount + 1,
                              (*uri)->revision,
                              (*uri)->path,
                              read_only };
    return CLI_EXIT_OK;
}

int cli_volumes(cli_ctx *ctx, const cli_strs *texts, cli_volume_list *out)
{
    int code = CLI_EXIT_OK;

    memset(out, 0, sizeof(*out));
    if (texts->n == 0)
        return code;
    out->items = calloc(texts->n, sizeof(*out->items));
    out->texts = calloc(texts->n, sizeof(*out->texts));
    out->uris = calloc(texts->n, sizeof(*out->uris));
    if (!out->items || !out->texts || !out->uris)
        return cli_error(ctx, "out of memory");
    for (size_t i = 0; code == CLI_EXIT_OK && i < texts->n; i++) {
        size_t n = out->n++;

        out->texts[n] = strdup(texts->items[i]);
        code = out->texts[n] ? read_volume(ctx, out->texts[n], &out->items[n], &out->uris[n])
                             : cli_error(ctx, "out of memory");
    }
    return code;
}

void cli_volumes_free(cli_volume_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->texts[i]);
        hf_uri_free(list->uris[i]);
    }
    free(list->items);
    free(list->texts);
    free(list->uris);
}
