/** What one check of `sotto doctor` has found. */
export interface Finding {
  check: string
  /** `failed`: does not work. `warning`: works, and will hurt. */
  status: 'ok' | 'warning' | 'failed'
  detail: string
  /** What to do about it. */
  todo?: string
}

export function ok(check: string, detail: string): Finding {
  return { check, status: 'ok', detail }
}

export function warning(check: string, detail: string, todo: string): Finding {
  return { check, status: 'warning', detail, todo }
}

export function failed(check: string, detail: string, todo: string): Finding {
  return { check, status: 'failed', detail, todo }
}
