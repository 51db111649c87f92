/*
 * doctor_config.c - checks of bulla.yaml and of the environment that it gives.
 */
#include "cli/doctor.h"
#include "base/bytes.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "scheme://user:password@host" */
static bool has_password(const char *url)
{
	const char *host = strstr(url, "://"), *at = host ? strchr(host, '@') : NULL;
	const char *colon = at ? memchr(host + 3, ':', (size_t)(at - host - 3)) : NULL;
	return colon && colon + 1 < at;
}

/* A password that came from the environment (${NAME}) is not in the file. */
static bool file_has(const bulla_doctor *doctor, const char *text)
{
	BULLA_BUF_AUTO bulla_buf file = { 0 };
	bulla_error ignored;
	return bulla_cli_read_file(doctor->cli, doctor->project->paths.config, BULLA_YAML_MAX, &file, &ignored) == BULLA_OK &&
	       file.len && memmem(file.data, file.len, text, strlen(text));
}

static bool holds_password(const bulla_doctor *doctor)
{
	size_t n = 0;
	const bulla_database *databases = bulla_schema_databases(doctor->project->schema, &n);
	for (size_t i = 0; i < n; i++)
		if (has_password(databases[i].url) && file_has(doctor, databases[i].url)) return true;
	return false;
}

static void check_file(bulla_doctor *doctor)
{
	struct stat st;
	const char *config = doctor->project->paths.config;
	if (stat(config, &st)) return; /* it was read: it is there no more */
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		bulla_diagnose(doctor, BULLA_DANGER, "config_writable", NULL, NULL,
			       "%s may be changed by others (mode %04o): they choose which keys seal", config,
			       (unsigned)(st.st_mode & 07777));
		bulla_prescribe(doctor, "chmod go-w %s", config);
	}
	if (st.st_mode & S_IROTH && holds_password(doctor)) {
		bulla_diagnose(doctor, BULLA_DANGER, "config_password", NULL, NULL,
			       "%s holds the password of a database and may be read by everybody", config);
		bulla_prescribe(doctor, "chmod 600 %s, or take the password from the environment: ${NAME}", config);
	}
}

void bulla_check_configuration(bulla_doctor *doctor)
{
	if (!doctor->project)
		bulla_diagnose_error(doctor, BULLA_DANGER, "configuration", NULL, &doctor->error);
	else
		check_file(doctor);
}

/* --- keys -------------------------------------------------------------------------------------------------------- */
static bool is_for_tests(const char *environment)
{
	return strcmp(environment, "development") == 0 || strcmp(environment, "test") == 0;
}

static bool is_on_this_host(const char *key)
{
	return strncmp(key, "local", 5) == 0 || strncmp(key, "file:", 5) == 0 || strncmp(key, "env:", 4) == 0;
}

void bulla_check_environment(bulla_doctor *doctor)
{
	const bulla_environment *environment = bulla_schema_environment(doctor->project->schema);
	if (is_for_tests(environment->name)) return;
	if (environment->insecure) {
		bulla_diagnose(doctor, BULLA_DANGER, "insecure", environment->name, NULL,
			       "the environment %s is marked insecure: it may use keys that everybody knows", environment->name);
		bulla_prescribe(doctor, "name real keys and take `insecure: true` out of %s", doctor->project->paths.config);
	}
	for (size_t i = 0; i < environment->key_count; i++)
		if (is_on_this_host(environment->keys[i]))
			bulla_diagnose(doctor, BULLA_NOTE, "host_holds_root", environment->name,
				       "use a key service elsewhere where other people administer this host",
				       "the key %.80s is held by this host: rights, freezing and the audit log bind honest "
				       "processes only",
				       environment->keys[i]);
}
