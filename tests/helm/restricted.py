"""The restricted profile of Kubernetes' Pod Security Standards: what a pod breaks of it."""

from chart import containers

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SECCOMP = ("RuntimeDefault", "Localhost")
SELINUX = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}


def breaches(metadata, spec):
    held = spec.get("securityContext", {})
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"{name} is on"
    for volume in spec.get("volumes", []):
        if not set(volume) - {"name"} <= VOLUMES:
            yield f"volume {volume['name']} is of a kind that is not allowed"
    if any(it["name"] not in SYSCTLS for it in held.get("sysctls", [])):
        yield "sysctls that are not safe"
    for name, profile in metadata.get("annotations", {}).items():
        if name.startswith("container.apparmor") and not profile.startswith(("runtime/default", "localhost/")):
            yield f"{name} is {profile}"
    yield from context_breaches("the pod", held)
    for container in [*containers(spec), *spec.get("ephemeralContainers", [])]:
        yield from container_breaches(container, held)


def container_breaches(container, pod):
    name, own = container["name"], container.get("securityContext", {})
    yield from context_breaches(name, own)
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield f"{name}: a port of the host"
    hooks = [container.get(f"{it}Probe", {}) for it in ("liveness", "readiness", "startup")]
    hooks += container.get("lifecycle", {}).values()
    if any(handler.get("host") for hook in hooks for handler in hook.values() if isinstance(handler, dict)):
        yield f"{name}: a probe or hook asks another host"
    if own.get("privileged"):
        yield f"{name}: privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: allowPrivilegeEscalation is not false"
    if own.get("procMount", "Default") != "Default":
        yield f"{name}: procMount"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []) or not set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"}:
        yield f"{name}: capabilities are kept"
    if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield f"{name}: may run as root"
    if own.get("seccompProfile", pod.get("seccompProfile", {})).get("type") not in SECCOMP:
        yield f"{name}: no seccomp profile"


def context_breaches(name, context):
    if context.get("runAsUser") == 0:
        yield f"{name}: runs as root"
    if context.get("seccompProfile", {}).get("type", "RuntimeDefault") not in SECCOMP:
        yield f"{name}: seccomp is off"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield f"{name}: a process of the host"
    if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in SECCOMP:
        yield f"{name}: AppArmor is off"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type") not in SELINUX or selinux.get("user") or selinux.get("role"):
        yield f"{name}: SELinux is changed"
