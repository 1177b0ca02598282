/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_JUMP_LABEL_H
#define _LINUX_JUMP_LABEL_H

#define DECLARE_STATIC_KEY_FALSE(name)	extern int name
#define static_branch_unlikely(key)	(!sizeof(key))

#endif /* _LINUX_JUMP_LABEL_H */
