/* SPDX-License-Identifier: GPL-2.0-only */
/* Sequences for attr_model.c, four bytes an operation; see decode_op() there. */
"03f00300",
