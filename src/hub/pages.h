/* SPDX-License-Identifier: Apache-2.0 */
/* A listing, page by page (hub-http.md 4.3). */
#ifndef HF_HUB_PAGES_H
#define HF_HUB_PAGES_H

#include "hub/hub.h"

typedef struct hf__pages {
    hf__hub *hub;
    const hf_cancel *cancel;
    const char *items; /* member that holds the list; NULL: the answer is the list */
    bool numbered;     /* pages are asked for by number, `start` and `count` tell when to stop */
    bool keyed;        /* the answer is an object of lists, not a list */
    hf__buf base;      /* with numbered: the URL without the number */
    hf__buf url;       /* of the next page; empty: there is none */
    hf__buf trail;     /* of a page passed earlier, to notice when it comes round again */
    hf__json *doc;
    const hf__json *page; /* the list in doc */
    size_t at;            /* for the caller */
    void *iter;           /* likewise, of an object of lists */
    const hf__json *group;
    bool hurried;        /* the first page is asked for once, not again and again */
    char request_id[64]; /* of the page that is being read */
    unsigned n_pages;
    unsigned n_empty; /* pages without an entry, in a row */
} hf__pages;

/* Then add the first page's URL to pages->url. */
void hf__pages_init(hf__pages *pages, hf__hub *hub, const hf_cancel *cancel);
void hf__pages_dispose(hf__pages *pages);
/* Only while url is not empty. After a failure the same page is asked for again by the next call. */
hf_status hf__pages_fetch(hf__pages *pages, hf_error *err);
/* Names the request that the page came by in an error about one of its entries. Returns status. */
hf_status hf__pages_blame(const hf__pages *pages, hf_status status, hf_error *err);

#endif
