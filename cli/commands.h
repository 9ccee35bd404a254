/* SPDX-License-Identifier: Apache-2.0 */
/* Every command, one per cmd_*.c. */
#ifndef HF_CLI_COMMANDS_H
#define HF_CLI_COMMANDS_H

#include "cli.h"

extern const cli_cmd cli_cmd_access;
extern const cli_cmd cli_cmd_api;
extern const cli_cmd cli_cmd_auth;
extern const cli_cmd cli_cmd_branch;
extern const cli_cmd cli_cmd_cache;
extern const cli_cmd cli_cmd_collections;
extern const cli_cmd cli_cmd_commits; /* of the group "repos" */
extern const cli_cmd cli_cmd_completion;
extern const cli_cmd cli_cmd_datasets;
extern const cli_cmd cli_cmd_delete_cache;
extern const cli_cmd cli_cmd_discussions;
extern const cli_cmd cli_cmd_download;
extern const cli_cmd cli_cmd_env;
extern const cli_cmd cli_cmd_like;   /* of the group "repos" */
extern const cli_cmd cli_cmd_likers; /* of the group "repos" */
extern const cli_cmd cli_cmd_login;
extern const cli_cmd cli_cmd_man_page;
extern const cli_cmd cli_cmd_models;
extern const cli_cmd cli_cmd_old_login;
extern const cli_cmd cli_cmd_old_logout;
extern const cli_cmd cli_cmd_old_tag;
extern const cli_cmd cli_cmd_old_whoami;
extern const cli_cmd cli_cmd_orgs;
extern const cli_cmd cli_cmd_repos;
extern const cli_cmd cli_cmd_scan_cache;
extern const cli_cmd cli_cmd_serve;
extern const cli_cmd cli_cmd_spaces;
extern const cli_cmd cli_cmd_squash; /* of the group "repos" */
extern const cli_cmd cli_cmd_tag;
extern const cli_cmd cli_cmd_unlike; /* of the group "repos" */
extern const cli_cmd cli_cmd_users;
extern const cli_cmd cli_cmd_repo_files;
extern const cli_cmd cli_cmd_delete_files; /* of the group "repos" */
extern const cli_cmd cli_cmd_lfs_enable;
extern const cli_cmd cli_cmd_lfs_upload;
extern const cli_cmd cli_cmd_upload;
extern const cli_cmd cli_cmd_upload_large_folder;
extern const cli_cmd cli_cmd_version;
extern const cli_cmd cli_cmd_webhooks;

#endif
