// Containers for tests, where a Docker engine answers.
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import type { GenericContainer, StartedTestContainer } from 'testcontainers'
import type { Started } from './service.ts'

const SOCKETS = [
  '/var/run/docker.sock',
  `${homedir()}/.docker/run/docker.sock`,
  `${homedir()}/.colima/default/docker.sock`,
  `${process.env.XDG_RUNTIME_DIR}/docker.sock`,
  `${process.env.XDG_RUNTIME_DIR}/podman/podman.sock`,
]

/** Pulls the image; undefined when it is at hand, else the reason why it cannot be used. */
export async function imageUnusable(image: string): Promise<string | undefined> {
  const configured = process.env.DOCKER_HOST || existsSync(`${homedir()}/.testcontainers.properties`)
  if (!configured && !SOCKETS.some((socket) => existsSync(socket))) return 'no Docker engine'
  const { getContainerRuntimeClient, ImageName } = await import('testcontainers')
  try {
    const client = await getContainerRuntimeClient()
    const name = ImageName.fromString(image)
    if (!(await client.image.exists(name))) await client.image.pull(name)
    return undefined
  } catch (error) {
    return `Docker: ${(error as Error).message}`
  }
}

/** Starts what `configure` makes of the image; `describe` tells tests how to reach it. */
export async function startContainer<T>(
  image: string,
  configure: (container: GenericContainer) => GenericContainer,
  describe: (container: StartedTestContainer) => T,
): Promise<Started<T>> {
  const { GenericContainer } = await import('testcontainers')
  const container = await configure(new GenericContainer(image)).start()
  return { value: describe(container), stop: async () => void (await container.stop()) }
}
