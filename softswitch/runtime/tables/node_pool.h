/* Memory for the nodes of one table, in large pieces: nodes begin at a cache line, and among very many of them a lookup
 * does not also miss the TLB. */
#ifndef SS_NODE_POOL_H
#define SS_NODE_POOL_H

#include <stddef.h>

#define SS_NODE_ALIGN 64u

typedef struct ss_node_pool {
    void *chunks; /* each begins with a link to the one before */
    void *free;   /* nodes that were given back */
    char *next;
    size_t left, node_bytes, chunk_bytes;
} ss_node_pool;

void *ss_node_pool_take(ss_node_pool *pool, size_t bytes); /* zeros; always as many; NULL: no memory */
void ss_node_pool_give(ss_node_pool *pool, void *node);
void ss_node_pool_free(ss_node_pool *pool); /* all nodes are gone */

#endif
