/** Runs before each test file that shares its process with others: the file loads the modules of this repository again, and shares packages only. */
import { vi } from 'vitest';

vi.resetModules();
