#include "tables/node_pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_CHUNK 4096u
#define LARGEST_CHUNK (2u << 20) /* a huge page */

static int add_chunk(ss_node_pool *pool)
{
    size_t bytes = pool->chunk_bytes ? 2 * pool->chunk_bytes : FIRST_CHUNK;
    bytes = bytes > LARGEST_CHUNK ? LARGEST_CHUNK : bytes;
    if (bytes < 2 * SS_NODE_ALIGN + pool->node_bytes) /* actions with a lot of data */
        bytes = (2 * SS_NODE_ALIGN + pool->node_bytes + FIRST_CHUNK - 1) / FIRST_CHUNK * FIRST_CHUNK;
    void *chunk = aligned_alloc(bytes == LARGEST_CHUNK ? LARGEST_CHUNK : SS_NODE_ALIGN, bytes);
    if (!chunk)
        return 0;
    if (bytes == LARGEST_CHUNK)
        madvise(chunk, bytes, MADV_HUGEPAGE);
    *(void **)chunk = pool->chunks;
    pool->chunks = chunk;
    pool->chunk_bytes = bytes;
    pool->next = (char *)chunk + SS_NODE_ALIGN;
    pool->left = bytes - SS_NODE_ALIGN;
    return 1;
}

void *ss_node_pool_take(ss_node_pool *pool, size_t bytes)
{
    pool->node_bytes = (bytes + SS_NODE_ALIGN - 1) / SS_NODE_ALIGN * SS_NODE_ALIGN;
    void *node = pool->free;
    if (node)
        pool->free = *(void **)node;
    else {
        if (pool->left < pool->node_bytes && !add_chunk(pool))
            return NULL;
        node = pool->next;
        pool->next += pool->node_bytes;
        pool->left -= pool->node_bytes;
    }
    memset(node, 0, pool->node_bytes);
    return node;
}

void ss_node_pool_give(ss_node_pool *pool, void *node)
{
    *(void **)node = pool->free;
    pool->free = node;
}

void ss_node_pool_free(ss_node_pool *pool)
{
    while (pool->chunks) {
        void *chunk = pool->chunks;
        pool->chunks = *(void **)chunk;
        free(chunk);
    }
    *pool = (ss_node_pool){0};
}
