/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hf-serve does as git's pre-receive hook: it looks through a push while git still holds it in
 * quarantine, where nobody sees it and from where it vanishes when refused.
 */
#ifndef SRV_HOOK_H
#define SRV_HOOK_H

#define SRV_HOOK_NAME "pre-receive"
#define SRV_HOOK_DONE "post-receive" /* the refs moved: the card of the repo is read again */
/* Where the data is, which repo, how large a file may be; set by the server that runs git. */
#define SRV_HOOK_DATA "HF_SERVE_DATA"
#define SRV_HOOK_REPO "HF_SERVE_REPO"
#define SRV_HOOK_MAX  "HF_SERVE_MAX_REGULAR"

/* Reads the updates from stdin; not 0: git refuses the push, and stderr told the client why. */
int srv_hook_run(void);
int srv_hook_done(void);

#endif
