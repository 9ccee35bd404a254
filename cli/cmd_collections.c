/* SPDX-License-Identifier: Apache-2.0 */
/* hf collections (cli.md 18.2). */
#include "commands.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

typedef struct shelf_args {
    const char *slug;
    const char *object;
    const char *type;
    const char *title;
    const char *owner;
    const char *item;
    const char *sort;
    const char *description;
    const char *theme;
    const char *note;
    const char *token;
    cli_uint limit;
    cli_uint position;
    hf_choice is_private;
    bool exists_ok;
    bool missing_ok;
} shelf_args;

#define AT(field) offsetof(shelf_args, field)

/* As Python's client names what a collection and its items have. */
static const cli_field before_items[] = {
    { "slug", "slug" },
    { "title", "title" },
    { "owner", "owner" },
    { NULL, NULL },
};

static const cli_field after_items[] = {
    { "private", "private" },         { "theme", "theme" }, { "upvotes", "upvotes" },
    { "description", "description" }, { NULL, NULL },
};

static void put_item(FILE *out, cli_json item)
{
    static const cli_field of_repo[] = { { "_id", "item_object_id" }, { "id", "item_id" },
                                         { "type", "item_type" },     { "position", "position" },
                                         { "note.text", "note" },     { NULL, NULL } };
    static const cli_field of_shelf[] = { { "_id", "item_object_id" }, { "slug", "item_id" },
                                          { "type", "item_type" },     { "position", "position" },
                                          { "note.text", "note" },     { NULL, NULL } };
    cli_json slug;

    fputc('{', out);
    (void)cli_fields_put(out, item, cli_json_get(item, "slug", &slug) ? of_shelf : of_repo, 0);
    fputc('}', out);
}

/* To be freed; NULL when out of memory. The Hub's list tells no position: there it is `at`. */
static char *as_shown(const char *json, unsigned long at)
{
    static const cli_field updated[] = { { "lastUpdated", "last_updated" }, { NULL, NULL } };
    static const cli_field position[] = { { "position", "position" }, { NULL, NULL } };
    cli_json record = cli_json_make(json);
    cli_json items = { "", 0 };
    cli_json item;
    char *text = NULL;
    size_t size = 0;
    bool any = false;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    fputc('{', out);
    (void)cli_fields_put(out, record, before_items, 0);
    fputs(", \"items\": [", out);
    (void)cli_json_get(record, "items", &items);
    while (cli_json_item(&items, &item)) {
        fputs(any ? ", " : "", out);
        put_item(out, item);
        any = true;
    }
    fputs("], ", out);
    if (cli_fields_put(out, record, updated, 0))
        fputs(", ", out);
    if (!cli_fields_put(out, record, position, 0))
        fprintf(out, "\"position\": %lu", at);
    fputs(", ", out);
    (void)cli_fields_put(out, record, after_items, 0);
    fputc('}', out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static const cli_field fields[] = {
    { "slug", "slug" },
    { "title", "title" },
    { "owner", "owner" },
    { "items", "items" },
    { "last_updated", "last_updated" },
    { "position", "position" },
    { "private", "private" },
    { "theme", "theme" },
    { "upvotes", "upvotes" },
    { "description", "description" },
    { NULL, NULL },
};

static int begin(cli_call *call, cli_ctx *ctx, const shelf_args *args)
{
    return cli_call_begin(call, ctx, NULL, NULL, NULL, args->token);
}

static const uint32_t *place(const shelf_args *args, uint32_t *position)
{
    *position = (uint32_t)args->position.value;
    return args->position.given ? position : NULL;
}

/* "…", {slug, url} */
static int told(cli_call *call, hf_status status, const char *message, const char *slug,
                bool with_url)
{
    char url[600];

    snprintf(url, sizeof(url), "%.200s/collections/%.300s",
             hf_client_get(call->client, HF_SETTING_ENDPOINT), slug ? slug : "");
    if (status == HF_OK)
        cli_result(call->ctx, message, (const cli_pair[]){ { "slug", slug }, { "url", url } },
                   with_url ? 2 : 1);
    return cli_call_end(call, CLI_EXIT_OK, status);
}

static int run_list(cli_ctx *ctx, void *data)
{
    const shelf_args *args = data;
    hf_collection_list_opts opts = HF_COLLECTION_LIST_OPTS_INIT;
    const hf_collection *c = NULL;
    hf_list *list = NULL;
    char *shown;
    hf_status status;
    cli_rows rows;
    cli_call call;
    int code = begin(&call, ctx, args);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    opts.owners = &args->owner;
    opts.n_owners = args->owner ? 1 : 0;
    opts.items = &args->item;
    opts.n_items = args->item ? 1 : 0;
    opts.sort = args->sort;
    opts.limit = args->limit.given ? args->limit.value : 10;
    opts.cancel = ctx->cancel;
    cli_rows_begin(&rows, ctx, fields, "slug");
    status = hf_collection_list_open(call.client, &opts, &list, &call.err);
    while (status == HF_OK) {
        status = hf_list_next_collection(list, &c, &call.err);
        if (status != HF_OK || !c)
            break;
        shown = as_shown(c->json, rows.n);
        if (shown)
            cli_rows_add(&rows, shown);
        free(shown);
    }
    cli_rows_end(&rows, status == HF_OK);
    hf_list_close(list);
    return cli_call_end(&call, code, status);
}

static int run_info(cli_ctx *ctx, void *data)
{
    const shelf_args *args = data;
    hf_collection *c = NULL;
    char *shown = NULL;
    hf_status status = HF_OK;
    cli_call call;
    int code = begin(&call, ctx, args);

    if (code == CLI_EXIT_OK)
        status = hf_collection_get(call.client, args->slug, &call.opts, &c, &call.err);
    if (c && (shown = as_shown(c->json, 0)) != NULL)
        cli_record(ctx, shown, NULL, NULL);
    free(shown);
    hf_collection_free(c);
    return cli_call_end(&call, code, status);
}

static int put(cli_ctx *ctx, const shelf_args *args, bool update)
{
    hf_collection_opts opts = HF_COLLECTION_OPTS_INIT;
    hf_collection *c = NULL;
    uint32_t position;
    hf_status status;
    cli_call call;
    int code = begin(&call, ctx, args);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    opts.flags = args->exists_ok ? HF_CALL_EXIST_OK : 0;
    opts.title = args->title;
    opts.owner = args->owner;
    opts.description = args->description;
    opts.theme = args->theme;
    opts.is_private = args->is_private;
    opts.position = place(args, &position);
    opts.cancel = ctx->cancel;
    status = update ? hf_collection_update(call.client, args->slug, &opts, &c, &call.err)
                    : hf_collection_create(call.client, &opts, &c, &call.err);
    code = told(&call, status, update ? "Collection updated" : "Collection created",
                c ? c->slug : NULL, true);
    hf_collection_free(c);
    return code;
}

static int run_create(cli_ctx *ctx, void *args)
{
    return put(ctx, args, false);
}

static int run_update(cli_ctx *ctx, void *args)
{
    return put(ctx, args, true);
}

static int run_delete(cli_ctx *ctx, void *data)
{
    const shelf_args *args = data;
    hf_status status;
    cli_call call;
    int code = begin(&call, ctx, args);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    call.opts.flags = args->missing_ok ? HF_CALL_MISSING_OK : 0;
    status = hf_collection_delete(call.client, args->slug, &call.opts, &call.err);
    return told(&call, status, "Collection deleted", args->slug, false);
}

static int run_add_item(cli_ctx *ctx, void *data)
{
    const shelf_args *args = data;
    hf_collection *c = NULL;
    hf_status status;
    cli_call call;
    int code = begin(&call, ctx, args);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    call.opts.flags = args->exists_ok ? HF_CALL_EXIST_OK : 0;
    status = hf_collection_item_add(call.client, args->slug, args->object, args->type, args->note,
                                    &call.opts, &c, &call.err);
    code = told(&call, status, "Item added to collection", c ? c->slug : args->slug, true);
    hf_collection_free(c);
    return code;
}

static int run_update_item(cli_ctx *ctx, void *data)
{
    const shelf_args *args = data;
    uint32_t position;
    hf_status status;
    cli_call call;
    int code = begin(&call, ctx, args);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    status = hf_collection_item_update(call.client, args->slug, args->object, args->note,
                                       place(args, &position), &call.opts, &call.err);
    return told(&call, status, "Item updated in collection", args->slug, false);
}

static int run_delete_item(cli_ctx *ctx, void *data)
{
    const shelf_args *args = data;
    hf_status status;
    cli_call call;
    int code = begin(&call, ctx, args);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    call.opts.flags = args->missing_ok ? HF_CALL_MISSING_OK : 0;
    status =
        hf_collection_item_delete(call.client, args->slug, args->object, &call.opts, &call.err);
    return told(&call, status, "Item deleted from collection", args->slug, false);
}

/* ---- tables */

static const char *const sorts[] = { "lastModified", "trending", "upvotes", NULL };

/* clang-format off */
#define TOKEN_OPT { "token", NULL, 0, CLI_STR, AT(token), "TOKEN", "token to use instead of the stored one", NULL }
#define EXISTS_OPT { "exists-ok", NULL, 0, CLI_BOOL, AT(exists_ok), NULL, "it is no error when it is there", NULL }
#define MISSING_OPT { "missing-ok", NULL, 0, CLI_BOOL, AT(missing_ok), NULL, "it is no error when there is none", NULL }
#define NOTE_OPT { "note", NULL, 0, CLI_STR, AT(note), "TEXT", "a note about the item", NULL }
#define POSITION_OPT { "position", NULL, 0, CLI_UINT, AT(position), "N", "place, from 0", NULL }
#define DESCRIPTION_OPT { "description", NULL, 0, CLI_STR, AT(description), "TEXT", "what it is about", NULL }
#define SLUG_ARG { "SLUG", CLI_ONE, AT(slug), "of the collection: namespace/title-id" }
#define OBJECT_ARG { "OBJECT_ID", CLI_ONE, AT(object), "item_object_id of the item, from `info`" }
/* clang-format on */

static const cli_opt list_opts[] = {
    { "owner", NULL, 0, CLI_STR, AT(owner), "NAME", "of this user or organization", NULL },
    { "item", NULL, 0, CLI_STR, AT(item), "ITEM", "that hold this, such as models/acme/x", NULL },
    { "sort", NULL, 0, CLI_CHOICE, AT(sort), "KEY", "order", sorts },
    { "limit", NULL, 0, CLI_UINT, AT(limit), "N", "show so many (default: 10); 0 for all", NULL },
    TOKEN_OPT,
    CLI_OPT_END,
};

static const cli_opt plain_opts[] = { TOKEN_OPT, CLI_OPT_END };

static const cli_opt create_opts[] = {
    { "namespace", NULL, 0, CLI_STR, AT(owner), "NAME", "whose it is (default: yours)", NULL },
    DESCRIPTION_OPT,
    { "private", NULL, 0, CLI_TRI, AT(is_private), NULL, "only its owner sees it", NULL },
    EXISTS_OPT,
    TOKEN_OPT,
    CLI_OPT_END,
};

static const cli_opt update_opts[] = {
    { "title", NULL, 0, CLI_STR, AT(title), "TEXT", "new title", NULL },
    DESCRIPTION_OPT,
    POSITION_OPT,
    { "private", NULL, 0, CLI_TRI, AT(is_private), NULL, "only its owner sees it", NULL },
    { "theme", NULL, 0, CLI_STR, AT(theme), "COLOUR", "colour, such as green", NULL },
    TOKEN_OPT,
    CLI_OPT_END,
};

static const cli_opt delete_opts[] = { MISSING_OPT, TOKEN_OPT, CLI_OPT_END };
static const cli_opt add_opts[] = { NOTE_OPT, EXISTS_OPT, TOKEN_OPT, CLI_OPT_END };
static const cli_opt item_opts[] = { NOTE_OPT, POSITION_OPT, TOKEN_OPT, CLI_OPT_END };

static const cli_arg slug_args[] = { SLUG_ARG, CLI_ARG_END };
static const cli_arg title_args[] = { { "TITLE", CLI_ONE, AT(title), "of the collection" },
                                      CLI_ARG_END };
static const cli_arg add_args[] = {
    SLUG_ARG,
    { "ID", CLI_ONE, AT(object), "repo id, paper id or slug" },
    { "TYPE", CLI_ONE, AT(type), "model, dataset, space, paper, collection or bucket" },
    CLI_ARG_END,
};
static const cli_arg object_args[] = { SLUG_ARG, OBJECT_ARG, CLI_ARG_END };

/* clang-format off */
#define COMMAND(id_, name_, alias_, summary_, opts_, args_, run_, ...) \
    static const cli_cmd id_ = { .name = name_, .alias = alias_, .summary = summary_, .opts = opts_, \
        .args = args_, .args_size = sizeof(shelf_args), .run = run_, \
        .examples = (const char *const[]){ __VA_ARGS__, NULL } };

COMMAND(list, "list", "ls", "List collections.", list_opts, NULL, run_list,
        "hf collections ls --owner acme", "hf collections ls --item models/acme/x --sort upvotes")
COMMAND(info, "info", NULL, "Show a collection with its items.", plain_opts, slug_args, run_info,
        "hf collections info acme/good-ones-66b0c1d2e3f4a5b6c7d8e9f0")
COMMAND(create, "create", NULL, "Make a collection.", create_opts, title_args, run_create,
        "hf collections create 'Good ones' --description 'What we use' --private")
COMMAND(update, "update", NULL, "Change what is said of a collection.", update_opts, slug_args, run_update,
        "hf collections update acme/good-ones-66b0c1d2e3f4a5b6c7d8e9f0 --title 'Better ones'")
COMMAND(delete_cmd, "delete", NULL, "Delete a collection; what it lists stays.", delete_opts, slug_args, run_delete,
        "hf collections delete acme/good-ones-66b0c1d2e3f4a5b6c7d8e9f0 --missing-ok")
COMMAND(add_item, "add-item", NULL, "Put something into a collection.", add_opts, add_args, run_add_item,
        "hf collections add-item acme/good-ones-66b0c1d2e3f4a5b6c7d8e9f0 acme/x model --note 'the first'")
COMMAND(update_item, "update-item", NULL, "Change the note or place of an item.", item_opts, object_args, run_update_item,
        "hf collections update-item acme/good-ones-66b0c1d2e3f4a5b6c7d8e9f0 66b0c1 --position 0")
COMMAND(delete_item, "delete-item", NULL, "Take an item out of a collection.", delete_opts, object_args, run_delete_item,
        "hf collections delete-item acme/good-ones-66b0c1d2e3f4a5b6c7d8e9f0 66b0c1")
/* clang-format on */

static const cli_cmd *const subs[] = {
    &list, &info, &create, &update, &delete_cmd, &add_item, &update_item, &delete_item, NULL,
};

const cli_cmd cli_cmd_collections = {
    .name = "collections",
    .summary = "Collections of models, datasets, spaces and papers.",
    .subs = subs,
};
