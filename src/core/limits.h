/* SPDX-License-Identifier: Apache-2.0 */
/* Every cap on what others may make us hold, in one place. */
#ifndef HF_CORE_LIMITS_H
#define HF_CORE_LIMITS_H

#define HF__MAX_URL          ((size_t)16 * 1024)
#define HF__MAX_PATH         ((size_t)4096) /* of a file on disk */
#define HF__MAX_REPO_PATH    ((size_t)2048) /* of a file in a repo */
#define HF__MAX_REVISION     ((size_t)512)
#define HF__MAX_ETAG         ((size_t)200) /* it is a file name with a suffix */
#define HF__MAX_TOKEN        ((size_t)4096)
#define HF__MAX_HEADER_BYTES ((size_t)256 * 1024) /* all headers of one answer */
#define HF__MAX_JSON_BYTES   ((size_t)64 * 1024 * 1024)
#define HF__MAX_JSON_DEPTH   64
#define HF__MAX_JSON_VALUES  ((size_t)2000000)
#define HF__MAX_ERROR_BODY   ((size_t)64 * 1024)
#define HF__MAX_REF_FILE     ((size_t)1024)
#define HF__MAX_TREE_FILE    ((size_t)256 * 1024 * 1024)
#define HF__MAX_SMALL_FILE   ((size_t)1024 * 1024) /* token, metadata, sidecar */
#define HF__MAX_TREE_ENTRIES ((size_t)5000000)
#define HF__MAX_PAGES        10000
#define HF__MAX_REDIRECTS    10

#endif
