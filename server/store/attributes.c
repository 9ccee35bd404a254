/* SPDX-License-Identifier: Apache-2.0 */
/* .gitattributes: which paths are LFS, by the rules of gitattributes(5), and the Hub's defaults. */
#include "store/private.h"

#define LFS_ATTRIBUTES " filter=lfs diff=lfs merge=lfs -text\n"

/* What a repo starts with on the Hub. */
static const char *const model_lines[] = { "*.7z",          "*.arrow",
                                           "*.bin",         "*.bz2",
                                           "*.ckpt",        "*.ftz",
                                           "*.gz",          "*.h5",
                                           "*.joblib",      "*.lfs.*",
                                           "*.mlmodel",     "*.model",
                                           "*.msgpack",     "*.npy",
                                           "*.npz",         "*.onnx",
                                           "*.ot",          "*.parquet",
                                           "*.pb",          "*.pickle",
                                           "*.pkl",         "*.pt",
                                           "*.pth",         "*.rar",
                                           "*.safetensors", "saved_model/**/*",
                                           "*.tar.*",       "*.tar",
                                           "*.tflite",      "*.tgz",
                                           "*.wasm",        "*.xz",
                                           "*.zip",         "*.zst",
                                           "*tfevents*" };
static const char *const dataset_lines[] = { "*.7z",
                                             "*.arrow",
                                             "*.avro",
                                             "*.bin",
                                             "*.bz2",
                                             "*.ckpt",
                                             "*.ftz",
                                             "*.gz",
                                             "*.h5",
                                             "*.joblib",
                                             "*.lfs.*",
                                             "*.lz4",
                                             "*.mds",
                                             "*.mlmodel",
                                             "*.model",
                                             "*.msgpack",
                                             "*.npy",
                                             "*.npz",
                                             "*.onnx",
                                             "*.ot",
                                             "*.parquet",
                                             "*.pb",
                                             "*.pickle",
                                             "*.pkl",
                                             "*.pt",
                                             "*.pth",
                                             "*.rar",
                                             "*.safetensors",
                                             "saved_model/**/*",
                                             "*.tar.*",
                                             "*.tar",
                                             "*.tflite",
                                             "*.tgz",
                                             "*.wasm",
                                             "*.xz",
                                             "*.zip",
                                             "*.zst",
                                             "*tfevents*",
                                             "# Audio files - uncompressed",
                                             "*.pcm",
                                             "*.sam",
                                             "*.raw",
                                             "# Audio files - compressed",
                                             "*.aac",
                                             "*.flac",
                                             "*.mp3",
                                             "*.ogg",
                                             "*.wav",
                                             "# Image files - uncompressed",
                                             "*.bmp",
                                             "*.gif",
                                             "*.png",
                                             "*.tiff",
                                             "# Image files - compressed",
                                             "*.jpg",
                                             "*.jpeg",
                                             "*.webp",
                                             "# Video files - compressed",
                                             "*.mp4",
                                             "*.webm" };

void srv__attributes_default(hf__buf *out, srv_repo_type type)
{
    const char *const *lines = type == SRV_DATASET ? dataset_lines : model_lines;
    size_t n = type == SRV_DATASET ? HF__COUNT(dataset_lines) : HF__COUNT(model_lines);
    size_t i;

    for (i = 0; i < n; i++) {
        hf__buf_adds(out, lines[i]);
        hf__buf_adds(out, lines[i][0] == '#' ? "\n" : LFS_ATTRIBUTES);
    }
}

/* ---------------------------------------------------------------------------------------- globs */

static bool in_class(hf__str name, unsigned char c)
{
    static const struct {
        const char *name;
        const char *ranges; /* pairs */
    } classes[] = {
        { "space", "\t\r  " },   { "blank", "\t\t  " },  { "digit", "09" },
        { "alpha", "azAZ" },     { "alnum", "azAZ09" },  { "lower", "az" },
        { "upper", "AZ" },       { "xdigit", "09afAF" }, { "cntrl", "\x01\x1f\x7f\x7f" },
        { "punct", "!/:@[`{~" }, { "print", " ~" },      { "graph", "!~" },
    };
    const char *r;
    size_t i;

    for (i = 0; i < HF__COUNT(classes); i++) {
        if (!hf__str_eq(name, hf__str_from(classes[i].name)))
            continue;
        for (r = classes[i].ranges; *r; r += 2)
            if (c >= (unsigned char)r[0] && c <= (unsigned char)r[1])
                return true;
    }
    return false;
}

/* A bracket expression at the start of pattern, behind '['. *rest is what follows ']'. -1 when it is
 * not closed, which matches nothing. */
static int match_bracket(hf__str pattern, unsigned char c, hf__str *rest)
{
    bool negated = pattern.len > 0 && (pattern.ptr[0] == '!' || pattern.ptr[0] == '^');
    bool hit = false;
    size_t first = negated ? 1 : 0;
    size_t i = first;

    while (i < pattern.len && (pattern.ptr[i] != ']' || i == first)) {
        unsigned char low = (unsigned char)pattern.ptr[i];
        unsigned char high;

        if (low == '[' && i + 1 < pattern.len && pattern.ptr[i + 1] == ':') {
            size_t end = i + 2;

            while (end + 1 < pattern.len &&
                   !(pattern.ptr[end] == ':' && pattern.ptr[end + 1] == ']'))
                end++;
            if (end + 1 >= pattern.len)
                return -1;
            hit |= in_class((hf__str){ pattern.ptr + i + 2, end - i - 2 }, c);
            i = end + 2;
            continue;
        }
        if (low == '\\' && i + 1 < pattern.len)
            low = (unsigned char)pattern.ptr[++i];
        high = low;
        i++;
        if (i + 1 < pattern.len && pattern.ptr[i] == '-' && pattern.ptr[i + 1] != ']') {
            high = (unsigned char)pattern.ptr[i + 1];
            i += 2;
            if (high == '\\' && i < pattern.len)
                high = (unsigned char)pattern.ptr[i++];
        }
        hit |= c >= low && c <= high;
    }
    if (i >= pattern.len)
        return -1;
    *rest = (hf__str){ pattern.ptr + i + 1, pattern.len - i - 1 };
    return hit != negated;
}

static hf__str skip(hf__str text, size_t n)
{
    return (hf__str){ text.ptr + n, text.len - n };
}

/* Patterns come from whoever pushed them: the steps of one match are counted, and one that needs
 * more than this matches nothing. */
#define MAX_STEPS 200000u

static bool glob(hf__str pattern, hf__str text, bool slashes, bool at_start, unsigned *steps);

/* Behind one or more '*'. */
static bool glob_star(hf__str pattern, hf__str text, bool slashes, bool double_star,
                      unsigned *steps)
{
    char first = pattern.len > 0 ? pattern.ptr[0] : '*';
    bool plain = !memchr("*?[\\", first, 4);

    for (;;) {
        if ((!plain || (text.len > 0 && text.ptr[0] == first)) &&
            glob(pattern, text, slashes, false, steps))
            return true;
        if (text.len == 0 || *steps > MAX_STEPS || (!double_star && slashes && text.ptr[0] == '/'))
            return false;
        text = skip(text, 1);
    }
}

/* slashes: '/' is matched only by '/' and by "**" between slashes. */
static bool glob(hf__str pattern, hf__str text, bool slashes, bool at_start, unsigned *steps)
{
    while (pattern.len > 0) {
        unsigned char p = (unsigned char)pattern.ptr[0];
        unsigned char c = text.len > 0 ? (unsigned char)text.ptr[0] : 0;
        hf__str rest;

        if (++*steps > MAX_STEPS)
            return false;
        if (p == '*') {
            size_t n = 1;
            bool whole;

            while (n < pattern.len && pattern.ptr[n] == '*')
                n++;
            whole = n >= 2 && at_start && (n == pattern.len || pattern.ptr[n] == '/');
            /* a / ** / b also matches a/b */
            if (whole && n < pattern.len && glob(skip(pattern, n + 1), text, slashes, true, steps))
                return true;
            return glob_star(skip(pattern, n), text, slashes, whole, steps);
        }
        if (text.len == 0)
            return false;
        if (p == '?' || p == '[') {
            if (slashes && c == '/')
                return false;
            rest = skip(pattern, 1);
            if (p == '[' && match_bracket(skip(pattern, 1), c, &rest) != 1)
                return false;
            pattern = rest;
        } else {
            if (p == '\\' && pattern.len > 1) {
                pattern = skip(pattern, 1);
                p = (unsigned char)pattern.ptr[0];
            }
            if (p != c)
                return false;
            pattern = skip(pattern, 1);
        }
        at_start = c == '/';
        text = skip(text, 1);
    }
    return text.len == 0;
}

bool srv__glob(hf__str pattern, hf__str text, bool slashes)
{
    unsigned steps = 0;

    return glob(pattern, text, slashes, true, &steps);
}

/* ---------------------------------------------------------------------------------------- lines */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of line; an empty one at the end. */
static hf__str next_word(hf__str *line)
{
    size_t start = 0;
    size_t end;

    while (start < line->len && is_blank(line->ptr[start]))
        start++;
    end = start;
    while (end < line->len && !is_blank(line->ptr[end]))
        end++;
    {
        hf__str word = { line->ptr + start, end - start };

        *line = skip(*line, end);
        return word;
    }
}

/* A pattern in double quotes, with C's escapes; *line is what follows. */
static bool next_quoted(hf__str *line, hf__buf *out)
{
    size_t i = 1;

    for (; i < line->len && line->ptr[i] != '"'; i++) {
        char c = line->ptr[i];

        if (c == '\\' && i + 1 < line->len) {
            static const char from[] = "abfnrtv\\\"";
            static const char to[] = "\a\b\f\n\r\t\v\\\"";
            const char *at;

            c = line->ptr[++i];
            at = strchr(from, c);
            if (at && c) {
                c = to[at - from];
            } else if (c >= '0' && c <= '3' && i + 2 < line->len) {
                c = (char)(((c - '0') << 6) | ((line->ptr[i + 1] - '0') << 3) |
                           (line->ptr[i + 2] - '0'));
                i += 2;
            } else {
                return false;
            }
        }
        hf__buf_addc(out, c);
    }
    if (i >= line->len)
        return false;
    *line = skip(*line, i + 1);
    return true;
}

static hf__str base_name(hf__str path)
{
    size_t at = path.len;

    while (at > 0 && path.ptr[at - 1] != '/')
        at--;
    return skip(path, at);
}

static bool pattern_matches(hf__str pattern, hf__str path)
{
    if (pattern.len == 0 || pattern.ptr[pattern.len - 1] == '/')
        return false; /* a directory, which has no attributes */
    if (!memchr(pattern.ptr, '/', pattern.len))
        return srv__glob(pattern, base_name(path), true);
    if (pattern.ptr[0] == '/')
        pattern = skip(pattern, 1);
    return srv__glob(pattern, path, true);
}

/* What the attributes of a line say of `filter`. */
static srv__attr line_filter(hf__str line)
{
    srv__attr found = SRV__ATTR_UNKNOWN;

    for (;;) {
        hf__str word = next_word(&line);

        if (word.len == 0)
            return found;
        if (hf__str_eq(word, HF__STR("filter=lfs")))
            found = SRV__ATTR_LFS;
        else if (hf__str_eq(word, HF__STR("-filter")) || hf__str_eq(word, HF__STR("!filter")) ||
                 hf__str_eq(word, HF__STR("filter")) || hf__str_starts(word, HF__STR("filter=")))
            found = SRV__ATTR_NOT_LFS;
    }
}

srv__attr srv__attributes_find(hf__str text, hf__str path)
{
    srv__attr found = SRV__ATTR_UNKNOWN;
    hf__buf quoted;

    hf__buf_init(&quoted, HF__MAX_REPO_PATH);
    while (text.ptr && text.len > 0) {
        hf__str rest;
        hf__str line = hf__str_cut(text, '\n', &rest);
        hf__str pattern;
        srv__attr said;

        text = rest;
        while (line.len > 0 && is_blank(line.ptr[0]))
            line = skip(line, 1);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        if (line.ptr[0] == '"') {
            hf__buf_reset(&quoted);
            if (!next_quoted(&line, &quoted))
                continue;
            pattern = hf__buf_str(&quoted);
        } else {
            pattern = next_word(&line);
        }
        if (pattern.len == 0 || pattern.ptr[0] == '!' || hf__str_starts(pattern, HF__STR("[attr]")))
            continue;
        said = line_filter(line);
        if (said != SRV__ATTR_UNKNOWN && pattern_matches(pattern, path))
            found = said;
    }
    hf__buf_dispose(&quoted);
    return found;
}

/* As the Hub and `git lfs track --filename` write it: blanks as a class, since a backslash does not
 * keep them in one word. A name without '/' matches in every folder. */
void srv__attributes_add(hf__buf *text, hf__str path)
{
    size_t i;

    if (text->len > 0 && text->ptr[text->len - 1] != '\n')
        hf__buf_addc(text, '\n');
    for (i = 0; i < path.len; i++) {
        char c = path.ptr[i];

        if (c == ' ') {
            hf__buf_adds(text, "[[:space:]]");
            continue;
        }
        if (strchr("*?[]\\", c) || (i == 0 && (c == '#' || c == '!' || c == '"')))
            hf__buf_addc(text, '\\');
        hf__buf_addc(text, c);
    }
    hf__buf_adds(text, LFS_ATTRIBUTES);
}

/* ---------------------------------------------------------------------------------------- ignoring */

/* gitignore(5): does pattern mean this file or folder itself? */
static bool ignore_matches(hf__str pattern, hf__str path, bool is_folder)
{
    bool anchored;

    if (pattern.ptr[pattern.len - 1] == '/') {
        if (!is_folder)
            return false;
        pattern.len--;
    }
    anchored = memchr(pattern.ptr, '/', pattern.len) != NULL;
    if (anchored && pattern.ptr[0] == '/')
        pattern = skip(pattern, 1);
    return pattern.len > 0 && srv__glob(pattern, anchored ? path : base_name(path), true);
}

/* Blanks at the end count only behind a backslash. */
static hf__str trim_end(hf__str line)
{
    while (line.len > 0 && is_blank(line.ptr[line.len - 1]) &&
           !(line.len > 1 && line.ptr[line.len - 2] == '\\'))
        line.len--;
    return line;
}

/* The last line that means it decides. */
static bool is_ignored(hf__str text, hf__str path, bool is_folder)
{
    bool ignored = false;

    while (text.ptr && text.len > 0) {
        hf__str rest;
        hf__str line = trim_end(hf__str_cut(text, '\n', &rest));
        bool again = line.len > 0 && line.ptr[0] == '!';

        text = rest;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        if (again)
            line = skip(line, 1);
        if (line.len > 0 && ignored == again && ignore_matches(line, path, is_folder))
            ignored = !again;
    }
    return ignored;
}

/* What is in an ignored folder cannot be taken back by a later line, as in git. */
bool srv_ignores(hf__str text, hf__str path)
{
    for (size_t end = 1; end < path.len; end++)
        if (path.ptr[end] == '/' && is_ignored(text, (hf__str){ path.ptr, end }, true))
            return true;
    return is_ignored(text, path, false);
}
