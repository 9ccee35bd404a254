/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the words of one command by its table and runs it; prints its --help. */
#ifndef SRV_OPT_H
#define SRV_OPT_H

#include "cmd.h"

#define SRV_DATA_DIR "./hub-data" /* the default of --data */

int srv_opt_run(const srv_cmd *cmd, int argc, char **argv);

#endif
