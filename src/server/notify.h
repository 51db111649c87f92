/*
 * notify.h - tells the service manager that started us how we are: systemd's protocol (sd_notify(3)) without its library.
 */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <stdbool.h>

/* Sends `state` ("READY=1", "STOPPING=1") to the socket that NOTIFY_SOCKET names: a path, or "@" and an abstract name. False where it names none or nobody takes it:
 * nothing that a server must end for. */
bool bulla_notify(const char *state);

#endif
