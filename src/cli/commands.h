/*
 * commands.h - the functions and option tables behind the table in commands.c, one file for each command or family.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

/* A command without options of its own does not define its table. */
#define BULLA_COMMAND(name)                                                                                                      \
	extern const bulla_option bulla_options_##name[];                                                                        \
	BULLA_MUST bulla_code bulla_run_##name(bulla_cli *cli, bulla_error *err)

BULLA_COMMAND(init);
BULLA_COMMAND(plan);
BULLA_COMMAND(apply);
BULLA_COMMAND(verify);
BULLA_COMMAND(finish);
BULLA_COMMAND(rotate);
BULLA_COMMAND(shred);
BULLA_COMMAND(undo);
BULLA_COMMAND(status);
BULLA_COMMAND(scan);
BULLA_COMMAND(search);
BULLA_COMMAND(get);
BULLA_COMMAND(export);
BULLA_COMMAND(encrypt);
BULLA_COMMAND(decrypt);
BULLA_COMMAND(inspect);
BULLA_COMMAND(key_list);
BULLA_COMMAND(key_create);
BULLA_COMMAND(key_rotate);
BULLA_COMMAND(key_enable);
BULLA_COMMAND(key_disable);
BULLA_COMMAND(key_close);
BULLA_COMMAND(key_delete);
BULLA_COMMAND(key_census);
BULLA_COMMAND(kms_backup);
BULLA_COMMAND(kms_restore);
BULLA_COMMAND(kms_rekey);
BULLA_COMMAND(kms_serve);
BULLA_COMMAND(kms_principal);
BULLA_COMMAND(kms_policy);
BULLA_COMMAND(kms_freeze);
BULLA_COMMAND(kms_thaw);
BULLA_COMMAND(kms_status);
BULLA_COMMAND(audit_show);
BULLA_COMMAND(audit_lookup);
BULLA_COMMAND(audit_verify);
BULLA_COMMAND(audit_export);
BULLA_COMMAND(audit_adopt);
BULLA_COMMAND(doctor);
BULLA_COMMAND(help);
BULLA_COMMAND(version);

#undef BULLA_COMMAND

#endif
