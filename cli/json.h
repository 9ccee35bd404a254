/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as pieces of its text (json.c), and records: what the Hub says of a thing, shown as a row of
 * a table or on its own (records.c). */
#ifndef HF_CLI_JSON_H
#define HF_CLI_JSON_H

#include "cli.h"

/* A value, borrowed from its text. */
typedef struct cli_json {
    const char *at;
    size_t len;
} cli_json;

cli_json cli_json_make(const char *text);
/* '{', '[', '"', 't', 'f', 'n', a digit or '-'; '\0' for nothing. */
char cli_json_kind(cli_json value);
/* Walk an array or object: `rest` starts as the whole and shrinks. False at the end. */
bool cli_json_item(cli_json *rest, cli_json *value);
bool cli_json_member(cli_json *rest, cli_json *key, cli_json *value);
bool cli_json_get(cli_json object, const char *name, cli_json *out);
/* The same along "a.b". */
bool cli_json_find(cli_json record, const char *path, cli_json *out);
/* Text of a string, else the value as it is written; to be freed. */
char *cli_json_text(cli_json value);
/* As Python writes it; indent 0: on one line. */
void cli_json_put(FILE *out, cli_json value, unsigned indent);
void cli_json_put_at(FILE *out, cli_json value, unsigned indent, unsigned depth);
/* As Python's repr() does. */
void cli_json_put_python(FILE *out, cli_json value);

/* A date of the Hub in quotes, as Python's isoformat has it. */
void cli_json_date(FILE *out, const char *text);

/* ---- records */

/* A member of a record in the order it is shown, and what it is called here: as in Python's client.
 * `wire` NULL ends a table. */
typedef struct cli_field {
    const char *wire; /* "createdAt", "author.name" */
    const char *name;
} cli_field;

#define CLI_MAX_FIELDS 40

/* Shows rows as they come; holds back what a table needs to find its widths, at most 100. */
typedef struct cli_rows {
    cli_ctx *ctx;
    const cli_field *fields;
    const char *id;           /* wire name of what quiet mode prints */
    const char *const *sizes; /* names of texts that are aligned as numbers are; NULL: none */
    bool whole;               /* json mode shows records as they are, not `fields` of them */
    size_t shown[CLI_MAX_FIELDS];
    size_t n_shown; /* columns: those that the first record has */
    size_t widths[CLI_MAX_FIELDS];
    bool right[CLI_MAX_FIELDS];
    char **cells; /* waiting: n_waiting * n_shown */
    size_t n_waiting;
    size_t n; /* rows so far */
    bool titled;
    bool cut;
} cli_rows;

void cli_rows_begin(cli_rows *rows, cli_ctx *ctx, const cli_field *fields, const char *id);
void cli_rows_add(cli_rows *rows, const char *json);
typedef struct cli_text_member {
    const char *name;
    const char *text; /* NULL: null */
} cli_text_member;

/* The same for a record that has nothing but texts. */
void cli_rows_add_texts(cli_rows *rows, const cli_text_member *members, size_t n);
/* Ends the table; also after a failure, so that what came is shown. `complete` false leaves out what
 * would say that this is all. */
void cli_rows_end(cli_rows *rows, bool complete);

/* The members of `fields` that a record has, null aside, as `"name": value` with commas between; indent
 * 0: on one line. True: there were any. */
bool cli_fields_put(FILE *out, cli_json record, const cli_field *fields, unsigned indent);

/* One record. id NULL: quiet mode prints all of it. fields NULL: every member as it is. */
void cli_record(cli_ctx *ctx, const char *json, const cli_field *fields, const char *id);

/* Users of a list, at most *limit (30 when not given, 0: all); closes it and ends the call
 * (cmd_people.c). */
int cli_people_show(cli_call *call, hf_list *list, hf_status status, const cli_uint *limit);

#endif
