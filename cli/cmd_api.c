/* SPDX-License-Identifier: Apache-2.0 */
/* hf api METHOD PATH: any endpoint, with the token, retries, paging and errors of every other
 * command. */
#include "commands.h"
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct api_args {
    const char *method;
    const char *path;
    const char *data;
    const char *content_type;
    const char *token;
    bool paginate;
} api_args;

#define AT(field) offsetof(api_args, field)

enum { MAX_BODY = 64 * 1024 * 1024 };

static int read_all(cli_ctx *ctx, FILE *in, const char *name, char **out, size_t *size)
{
    size_t room = 0;

    for (;;) {
        size_t got;

        if (*size + 1 >= room) {
            char *more = realloc(*out, room = room ? room * 2 : 4096);

            if (!more)
                return cli_error(ctx, "out of memory");
            *out = more;
        }
        got = fread(*out + *size, 1, room - *size - 1, in);
        *size += got;
        if (*size > MAX_BODY)
            return cli_error(ctx, "'%s' is larger than %d bytes.", name, MAX_BODY);
        if (got == 0)
            break;
    }
    (*out)[*size] = '\0';
    return ferror(in) ? cli_error(ctx, "cannot read '%s'.", name) : CLI_EXIT_OK;
}

/* TEXT, @FILE, or @- for standard input. */
static int body_of(cli_ctx *ctx, const char *data, char **out, size_t *size)
{
    FILE *in;
    int code;

    if (!data)
        return CLI_EXIT_OK;
    if (data[0] != '@') {
        *out = strdup(data);
        *size = strlen(data);
        return *out ? CLI_EXIT_OK : cli_error(ctx, "out of memory");
    }
    in = strcmp(data, "@-") == 0 ? stdin : fopen(data + 1, "rb");
    if (!in)
        return cli_error(ctx, "cannot open '%s': %s", data + 1, strerror(errno));
    code = read_all(ctx, in, data, out, size);
    if (in != stdin)
        fclose(in);
    return code;
}

static void put_bytes(const cli_ctx *ctx, const char *text, size_t size)
{
    if (ctx->tty_out) /* what a server sends must not command the terminal */
        for (const char *line = text; line && *line;) {
            const char *end = strchr(line, '\n');
            char *copy = strndup(line, end ? (size_t)(end - line) : strlen(line));

            cli_put(stdout, copy ? copy : "", SIZE_MAX);
            free(copy);
            fputs(end ? "\n" : "", stdout);
            line = end ? end + 1 : NULL;
        }
    else
        fwrite(text, 1, size, stdout);
}

/* The items of all pages as one list. False for a page that is no list. */
static bool put_items(const cli_ctx *ctx, const hf_response *response, bool *any)
{
    cli_json page = cli_json_make(response->body);
    cli_json item;

    if (cli_json_kind(page) != '[')
        return false;
    while (cli_json_item(&page, &item)) {
        fputs(*any ? ",\n" : "[", stdout);
        put_bytes(ctx, item.at, item.len);
        *any = true;
    }
    return true;
}

static void put_response(const cli_ctx *ctx, const hf_response *response)
{
    put_bytes(ctx, response->body, response->size);
    if (response->size && response->body[response->size - 1] != '\n' && ctx->tty_out)
        fputc('\n', stdout);
}

/* Follows the links of pages; a Hub that names the same page again has no end. */
static int walk(cli_call *call, const api_args *args, hf_api_opts *opts, hf_status *status)
{
    char *path = strdup(args->path);
    hf_response *response = NULL;
    bool any = false;
    bool lists = true;
    unsigned long pages = 0;
    int code = path ? CLI_EXIT_OK : cli_error(call->ctx, "out of memory");

    while (code == CLI_EXIT_OK && path) {
        char *next = NULL;

        *status = hf_api_request(call->client, args->method, path, opts, &response, &call->err);
        if (*status != HF_OK)
            break;
        lists = args->paginate && lists && put_items(call->ctx, response, &any);
        if (!lists)
            put_response(call->ctx, response);
        if (args->paginate && response->next) {
            next = strdup(response->next);
            if (!next)
                code = cli_error(call->ctx, "out of memory");
            else if (strcmp(next, path) == 0 || ++pages >= 10000)
                code = cli_error(call->ctx, "The listing does not end: the server keeps naming "
                                            "further pages.");
        }
        hf_response_free(response);
        response = NULL;
        free(path);
        path = next;
    }
    if (args->paginate && lists && *status == HF_OK)
        fputs(any ? "]\n" : "[]\n", stdout);
    free(path);
    return code;
}

static int run(cli_ctx *ctx, void *data)
{
    const api_args *args = data;
    hf_api_opts opts = HF_API_OPTS_INIT;
    hf_status status = HF_OK;
    char *body = NULL;
    cli_call call;
    int code = cli_call_begin(&call, ctx, NULL, NULL, NULL, args->token);

    if (code == CLI_EXIT_OK)
        code = body_of(ctx, args->data, &body, &opts.body_size);
    if (code == CLI_EXIT_OK && args->paginate && strcmp(args->method, "GET") != 0)
        code = cli_usage_error(ctx, "'--paginate' goes with GET only.");
    opts.body = body;
    opts.content_type = args->content_type;
    opts.cancel = ctx->cancel;
    if (code == CLI_EXIT_OK)
        code = walk(&call, args, &opts, &status);
    free(body);
    return cli_call_end(&call, code, status);
}

static const cli_opt opts[] = {
    { "data", NULL, 'd', CLI_STR, AT(data), "TEXT",
      "body to send; '@FILE' sends a file, '@-' standard input", NULL },
    { "content-type", NULL, 0, CLI_STR, AT(content_type), "TYPE",
      "of the body (default: application/json)", NULL },
    { "paginate", NULL, 0, CLI_FLAG, AT(paginate), NULL,
      "follow the links to further pages and print their items as one list", NULL },
    { "token", NULL, 0, CLI_STR, AT(token), "TOKEN", "token to use instead of the stored one",
      NULL },
    CLI_OPT_END,
};

static const cli_arg args[] = {
    { "METHOD", CLI_ONE, AT(method), "GET, HEAD, POST, PUT, PATCH or DELETE" },
    { "PATH", CLI_ONE, AT(path), "'/api/…' with its query, or a whole URL" },
    CLI_ARG_END,
};

const cli_cmd cli_cmd_api = {
    .name = "api",
    .summary = "Send a request to any endpoint of the Hub.",
    .description = "Prints the body of the answer as it came. For endpoints without a command of "
                   "their own: the token, the retries and the messages are those of every other "
                   "command.",
    .opts = opts,
    .args = args,
    .args_size = sizeof(api_args),
    .run = run,
    .examples = (const char *const[]){ "hf api GET /api/whoami-v2",
                                       "hf api GET '/api/models?author=acme' --paginate",
                                       "hf api POST /api/jobs/me --data @job.json", NULL },
};
