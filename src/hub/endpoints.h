/* SPDX-License-Identifier: Apache-2.0 */
/* The table of endpoints. */
#ifndef HF_HUB_ENDPOINTS_H
#define HF_HUB_ENDPOINTS_H

#include "hub/hub.h"
#include "hub/shape.h"

#define HF__MAX_VALUES 20

typedef struct hf__endpoint {
    const char *method;
    /* {repo}: API path of the repo. {types}: "models". {rev}: its revision, "main" without one.
     * {1}: first value as one segment. {1/}: as a path. */
    const char *path;
    const hf__shape *shape; /* of the answer, or of an item of the list; NULL: it has none */
    const char *inside;     /* member of the answer that has this shape */
    const char *items;      /* of a list: the member that holds it */
    bool numbered;          /* see hf__pages */
    bool keyed;
    bool is_list;
    /* What the values are called in the query of a GET, else in the body; NULL: in the path only. */
    const char *names[HF__MAX_VALUES];
} hf__endpoint;

const hf__endpoint *hf__endpoint_get(hf__endpoint_id id);

#endif
