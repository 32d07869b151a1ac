export const root: string
export function nodeFits(version?: string): boolean
export function prepare(): Promise<string>
export function run(node: string, command: string, args: string[]): Promise<void>
