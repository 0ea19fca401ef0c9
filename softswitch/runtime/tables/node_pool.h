/* Memory for the nodes of one table, in large chunks: nodes start at a cache line, and with many nodes a lookup does
 * not miss the TLB as well. */
#ifndef SS_NODE_POOL_H
#define SS_NODE_POOL_H

#include <stddef.h>

#define SS_NODE_ALIGN 64u

typedef struct ss_node_pool {
    void *chunks; /* each begins with a link to the previous one */
    void *free;   /* returned nodes */
    char *next;
    size_t left, node_bytes, chunk_bytes;
} ss_node_pool;

void *ss_node_pool_take(ss_node_pool *pool, size_t bytes); /* zeroed; `bytes`: always the same; NULL: no memory */
void ss_node_pool_give(ss_node_pool *pool, void *node);
void ss_node_pool_free(ss_node_pool *pool); /* with all its nodes */

#endif
