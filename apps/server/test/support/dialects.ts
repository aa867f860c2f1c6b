/** Both databases: whatever a test says holds on each. */
export const dialects = ['sqlite', 'postgres'] as const
