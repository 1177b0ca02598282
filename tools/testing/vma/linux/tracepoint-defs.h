/* SPDX-License-Identifier: GPL-2.0 */
/* All trace events are enabled: tests/attr.c looks at each refusal. */
#ifndef _LINUX_TRACEPOINT_DEFS_H
#define _LINUX_TRACEPOINT_DEFS_H

#define DECLARE_TRACEPOINT(name)	extern int __tracepoint_##name
#define tracepoint_enabled(name)	(sizeof(__tracepoint_##name) != 0)

#endif /* _LINUX_TRACEPOINT_DEFS_H */
